package coder

// A Schema describes an encoding: which values follow which, under the names of
// the fields they come from. It can be stored as text beside the data, and be
// compared with the schema of the program that reads the data later.
//
// Names of Go types are in it for the reader only. Renaming a type, or moving it
// to another package, leaves its schema equal; the exceptions are types that
// marshal themselves and protobuf messages, of which nothing but the name is
// known.
//
// The zero value describes nothing and equals no other schema. A Schema is
// immutable, save for UnmarshalText.
type Schema struct {
	root *node
}

// A node is one type in a schema. A type that contains itself is a cycle of
// nodes. Nodes are immutable once the schema is made, and may be shared.
type node struct {
	kind   kind
	label  string      // a clean name of the Go type, for structs and for types that contain themselves
	name   string      // what identifies the encoding of a kindBinary or kindProto
	length int         // of an array
	key    *node       // of a map
	elem   *node       // of a pointer, slice, array or map
	fields []nodeField // of a struct, in the order of their bytes
}

type nodeField struct {
	name string
	node *node
	gone bool // a field that is stored, and that a later schema lacked
}

type kind uint8

const (
	kindNone kind = iota
	kindBool
	kindInt8
	kindInt16
	kindInt32
	kindInt64
	kindUint8
	kindUint16
	kindUint32
	kindUint64
	kindFloat32
	kindFloat64
	kindComplex64
	kindComplex128
	kindString
	kindBytes
	kindTime
	kindBinary
	kindProto
	kindPointer
	kindSlice
	kindArray
	kindMap
	kindStruct
)

// kindNames are the words of the text form, for kinds that have one.
var kindNames = [...]string{
	kindBool:       "bool",
	kindInt8:       "int8",
	kindInt16:      "int16",
	kindInt32:      "int32",
	kindInt64:      "int64",
	kindUint8:      "uint8",
	kindUint16:     "uint16",
	kindUint32:     "uint32",
	kindUint64:     "uint64",
	kindFloat32:    "float32",
	kindFloat64:    "float64",
	kindComplex64:  "complex64",
	kindComplex128: "complex128",
	kindString:     "string",
	kindBytes:      "bytes",
	kindTime:       "time",
	kindBinary:     "binary",
	kindProto:      "proto",
}

// Equal reports whether both schemas describe the same encoding with the same
// names of fields.
func (s *Schema) Equal(other *Schema) bool { return len(Compare(s, other)) == 0 }

// String returns the text form.
func (s *Schema) String() string {
	text, err := s.MarshalText()
	if err != nil {
		return "no schema"
	}
	return string(text)
}
