// Package coder turns Go values into bytes and back. It is where every element,
// key and piece of state takes the form in which it is checkpointed, evicted or
// sent, and the only package that decides that form. It knows Go types and
// nothing of pipelines.
//
// A type is compiled once: reflection walks it when [For] or [ForKey] is first
// called, and leaves a chain of closures over field offsets. Encoding and
// decoding then run without reflection, save for two kinds of type named under
// Cost.
//
// # Invariants
//
//   - An encoding is a function of the value alone: two equal values encode to
//     the same bytes in every process, whatever the order of their maps.
//   - An encoding says where it ends, so values may be written one after another.
//   - What is decoded shares no memory with the input, nor with what stood in
//     the variable before.
//   - Decoding bytes that no encoder wrote ends in an error or in some value. It
//     does not panic, and a length that the input cannot back allocates nothing
//     to speak of.
//   - The encodings below don't change. A new form would be a new version of the
//     schema's text.
//
// # Encodings
//
//	bool                  one byte, 0 or 1
//	int8 … int64, int     zigzag varint
//	uint8 … uint64, uint  varint
//	float32, float64      4 or 8 bytes, little endian, the exact bits
//	complex64, complex128 two floats
//	string                length as a varint, then the bytes
//	[]byte                0 if nil, else length+1 as a varint, then the bytes
//	[N]byte               the N bytes
//	[N]T                  N elements
//	[]T                   0 if nil, else length+1, then the elements
//	map[K]V               0 if nil, else length+1, then keys with their values,
//	                      in the byte order of the encoded entries
//	struct                its fields in the order of declaration, exported or not,
//	                      embedded or not; fields named _ are left out
//	*T                    0 if nil, else 1 and the value
//	time.Time             seconds since the Unix epoch (zigzag varint), nanoseconds
//	                      (varint), zone offset in seconds (zigzag varint)
//	binary marshaler      length, then what it wrote
//	protobuf message      0 if nil, else length+1, then its deterministic form
//
// int and uint are stored as int64 and uint64. A time keeps its instant and its
// zone's offset; the zone's name, the identity of its Location and the monotonic
// clock reading are dropped. A value that two pointers share is written twice.
//
// # Types with an encoding of their own
//
// A type whose pointer has UnmarshalBinary and also AppendBinary or
// MarshalBinary is stored through these methods, AppendBinary preferred. A type
// that can only be marshaled, or only unmarshaled, is encoded by its structure.
// So is a struct that embeds a field with such methods, even where it declares
// its own over them: methods promoted from one field would silently leave out
// the others, and at run time the two cases look alike. Naming the field instead
// of embedding it brings the struct's own methods back into use. The same holds
// for a struct that embeds a protobuf message.
//
// Generated protobuf messages are stored through their pointer. The
// deterministic form that protobuf promises is stable for one version of its
// library; other versions read it all the same.
//
// # Keys
//
// [ForKey] promises more: two keys have the same encoding if and only if Go's ==
// calls them equal. Floats, pointers, times and whatever is not comparable are
// refused therefore. Structs and arrays are taken apart even where they could
// marshal themselves, so a UUID type is its sixteen bytes. A comparable type
// that marshals itself and cannot be taken apart, as [net/netip.Addr], is
// accepted through its methods; what they write must then be a function of what
// == compares, and that is the type's to see to. One that holds a plain pointer
// is refused even so: == would compare the address and the methods would write
// what is there.
//
// The key of a map held inside a value follows the same rules, except that
// floats are allowed.
//
// # Migration
//
// What was stored with one schema can be read as another type ([Coder.From]): fields
// that are new are zero, those that are gone are skipped, at any depth; a number that
// has been widened takes the stored one. Everything else is refused before anything
// is read. A field that gets another name is one removed and one added; a struct none
// of whose fields are left is another type. Keys are read
// with their own schema only, since their bytes and hashes are their identity; the keys
// of a map inside a value may be widened and get fields, and lose none.
//
// # Cost
//
// Encoding a struct of numbers and strings allocates nothing; decoding allocates
// what the value itself holds. Maps from string, int, int64 or uint64 to string,
// bool, int, int64, float64, []byte or struct{} are walked as the typed maps they
// are. Other maps are walked by reflection with reused scratch space, at some
// tens of nanoseconds more an entry. Types that marshal themselves are called
// through an interface. A migration costs what decoding does, save that all maps
// with a difference in them are walked by reflection.
package coder
