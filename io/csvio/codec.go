package csvio

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"
	"unsafe"
)

// A codec is the way between a cell and a field of some type. It is bound to the
// field of one row variable, whose address stays, so that nothing has to be
// found by reflection for each row.
type codec struct {
	set func(field reflect.Value) setter   // nil if it cannot be read
	get func(field reflect.Value) appender // nil if it cannot be written
	// text says that a cell may hold anything: it may need quotes, and may be empty.
	text bool
	// pointer says that the field may be nil.
	pointer bool
}

// A setter sets its field to what cell says; nil is an empty cell without quotes.
// It keeps nothing of cell.
type setter func(cell []byte) error

// An appender appends its field's cell, without quotes, to dst. Present is false
// for nil.
type appender func(dst []byte) (out []byte, present bool, err error)

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
)

// codecFor is the codec of fields of type t.
func codecFor(t reflect.Type, layout string) (codec, error) {
	base, pointer := t, false
	if t.Kind() == reflect.Pointer {
		base, pointer = t.Elem(), true
	}
	if layout != "" && !isTime(base) {
		return codec{}, fmt.Errorf("its tag has a layout, and %v is no time", t)
	}
	if hasTextMethods(base) && base != timeType {
		return textCodec(t, pointer), nil
	}
	if isTime(base) {
		c, err := timeCodecs(layout)
		if pointer {
			return c.pointer, err
		}
		return c.value, err
	}
	c, ok := plainCodec(base)
	if !ok {
		return codec{}, fmt.Errorf("%v has no text form here; a field is a string, bool, number, time.Time, time.Duration, has UnmarshalText and MarshalText, or is a pointer to one of those", t)
	}
	if pointer {
		return c.pointer, nil
	}
	return c.value, nil
}

func isTime(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.ConvertibleTo(timeType)
}

// codecs are those of a type and of pointers to it.
type codecs struct{ value, pointer codec }

func plainCodec(t reflect.Type) (codecs, bool) {
	if t == durationType {
		return codecsOf(parseDuration, appendDuration, false), true
	}
	switch t.Kind() {
	case reflect.String:
		return codecsOf(
			func(cell []byte) (string, error) { return string(cell), nil },
			func(dst []byte, s string) ([]byte, error) { return append(dst, s...), nil }, true), true
	case reflect.Bool:
		return codecsOf(parseBool, func(dst []byte, b bool) ([]byte, error) { return strconv.AppendBool(dst, b), nil }, false), true
	case reflect.Int:
		return signed[int](), true
	case reflect.Int8:
		return signed[int8](), true
	case reflect.Int16:
		return signed[int16](), true
	case reflect.Int32:
		return signed[int32](), true
	case reflect.Int64:
		return signed[int64](), true
	case reflect.Uint:
		return unsigned[uint](), true
	case reflect.Uint8:
		return unsigned[uint8](), true
	case reflect.Uint16:
		return unsigned[uint16](), true
	case reflect.Uint32:
		return unsigned[uint32](), true
	case reflect.Uint64:
		return unsigned[uint64](), true
	case reflect.Float32:
		return float[float32](), true
	case reflect.Float64:
		return float[float64](), true
	}
	return codecs{}, false
}

// codecsOf makes codecs of functions for V. The field may be of any type whose
// values are laid out like V's: one named after it.
func codecsOf[V any](parse func([]byte) (V, error), format func([]byte, V) ([]byte, error), text bool) codecs {
	value := codec{
		text: text,
		set: func(field reflect.Value) setter {
			p := (*V)(field.Addr().UnsafePointer())
			return func(cell []byte) (err error) {
				*p, err = parse(cell)
				return err
			}
		},
		get: func(field reflect.Value) appender {
			p := (*V)(field.Addr().UnsafePointer())
			return func(dst []byte) ([]byte, bool, error) {
				dst, err := format(dst, *p)
				return dst, true, err
			}
		},
	}
	pointer := codec{
		text: text, pointer: true,
		set: func(field reflect.Value) setter {
			p := (**V)(field.Addr().UnsafePointer())
			return func(cell []byte) error {
				*p = nil
				if cell == nil || len(cell) == 0 && !text {
					return nil
				}
				v, err := parse(cell)
				if err == nil {
					*p = &v
				}
				return err
			}
		},
		get: func(field reflect.Value) appender {
			p := (**V)(field.Addr().UnsafePointer())
			return func(dst []byte) ([]byte, bool, error) {
				if *p == nil {
					return dst, false, nil
				}
				dst, err := format(dst, **p)
				return dst, true, err
			}
		},
	}
	return codecs{value, pointer}
}

var (
	unmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
	marshalerType   = reflect.TypeFor[encoding.TextMarshaler]()
	appenderType    = reflect.TypeFor[encoding.TextAppender]()
)

func hasTextMethods(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(unmarshalerType) || p.Implements(marshalerType) || p.Implements(appenderType)
}

// textCodec goes by the methods of a type, or of what it points to. Only for
// pointers does it take reflection per row: to make what they point to.
func textCodec(t reflect.Type, pointer bool) codec {
	c := codec{text: true, pointer: pointer}
	methods := reflect.PointerTo(t)
	if pointer {
		methods = t
	}
	// target is what has the methods, for a field.
	target := func(field reflect.Value) any {
		if pointer {
			return field.Interface()
		}
		return field.Addr().Interface()
	}
	if methods.Implements(unmarshalerType) {
		c.set = func(field reflect.Value) setter {
			if !pointer {
				return target(field).(encoding.TextUnmarshaler).UnmarshalText
			}
			return func(cell []byte) error {
				field.SetZero()
				if cell == nil {
					return nil
				}
				v := reflect.New(t.Elem())
				if err := v.Interface().(encoding.TextUnmarshaler).UnmarshalText(cell); err != nil {
					return err
				}
				field.Set(v)
				return nil
			}
		}
	}
	if methods.Implements(marshalerType) || methods.Implements(appenderType) {
		c.get = func(field reflect.Value) appender {
			if !pointer {
				return appendText(target(field))
			}
			return func(dst []byte) ([]byte, bool, error) {
				if field.IsNil() {
					return dst, false, nil
				}
				return appendText(target(field))(dst)
			}
		}
	}
	return c
}

func appendText(v any) appender {
	if a, ok := v.(encoding.TextAppender); ok {
		return func(dst []byte) ([]byte, bool, error) {
			dst, err := a.AppendText(dst)
			return dst, true, err
		}
	}
	m := v.(encoding.TextMarshaler)
	return func(dst []byte) ([]byte, bool, error) {
		text, err := m.MarshalText()
		return append(dst, text...), true, err
	}
}

// view is cell as a string without a copy, for functions that keep nothing of it.
func view(cell []byte) string { return unsafe.String(unsafe.SliceData(cell), len(cell)) }

var errEmpty = errors.New(`it is empty; if it may be, make the field a pointer, or optional in its tag`)

// refusal is the error for a cell that is no V; err is what strconv says.
func refusal[V any](cell []byte, kind string, err error) error {
	switch {
	case len(cell) == 0:
		return errEmpty
	case errors.Is(err, strconv.ErrRange):
		return fmt.Errorf("%s does not fit in %v", quoteCell(cell), reflect.TypeFor[V]())
	}
	return fmt.Errorf("%s is not %s", quoteCell(cell), kind)
}

func parseBool(cell []byte) (bool, error) {
	b, err := strconv.ParseBool(view(cell))
	if err != nil {
		return false, refusal[bool](cell, "true or false", err)
	}
	return b, nil
}

func signed[I int | int8 | int16 | int32 | int64]() codecs {
	bits := reflect.TypeFor[I]().Bits()
	parse := func(cell []byte) (I, error) {
		if n, ok := shortInt(cell); ok && int64(I(n)) == n {
			return I(n), nil
		}
		n, err := strconv.ParseInt(view(cell), 10, bits)
		if err != nil {
			return 0, refusal[I](cell, "a whole number", err)
		}
		return I(n), nil
	}
	return codecsOf(parse, func(dst []byte, n I) ([]byte, error) { return strconv.AppendInt(dst, int64(n), 10), nil }, false)
}

// shortInt is the number in a cell of up to 18 digits; for all else ok is false.
func shortInt(cell []byte) (n int64, ok bool) {
	digits := cell
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 18 {
		return 0, false
	}
	for _, c := range digits {
		if c -= '0'; c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	if cell[0] == '-' {
		n = -n
	}
	return n, true
}

func unsigned[U uint | uint8 | uint16 | uint32 | uint64]() codecs {
	bits := reflect.TypeFor[U]().Bits()
	parse := func(cell []byte) (U, error) {
		n, err := strconv.ParseUint(view(cell), 10, bits)
		if err != nil {
			return 0, refusal[U](cell, "a whole number of at least 0", err)
		}
		return U(n), nil
	}
	return codecsOf(parse, func(dst []byte, n U) ([]byte, error) { return strconv.AppendUint(dst, uint64(n), 10), nil }, false)
}

func float[F float32 | float64]() codecs {
	bits := reflect.TypeFor[F]().Bits()
	parse := func(cell []byte) (F, error) {
		if f, ok := shortFloat(cell); ok && bits == 64 { // else it would be rounded twice
			return F(f), nil
		}
		f, err := strconv.ParseFloat(view(cell), bits)
		if err != nil {
			return 0, refusal[F](cell, "a number", err)
		}
		return F(f), nil
	}
	return codecsOf(parse, func(dst []byte, f F) ([]byte, error) { return strconv.AppendFloat(dst, float64(f), 'g', -1, bits), nil }, false)
}

var powersOf10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// shortFloat is the number in a cell of up to 15 digits and perhaps a point; for
// all else ok is false. Digits and power of ten are exact, so that their quotient
// is the nearest number, as strconv has it, in half the time.
func shortFloat(cell []byte) (f float64, ok bool) {
	digits := cell
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 16 || len(digits) == 1 && digits[0] == '.' {
		return 0, false
	}
	n, point := int64(0), len(digits)-1
	for i, c := range digits {
		if c == '.' && point == len(digits)-1 {
			point = i
			continue
		}
		if c -= '0'; c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	if n >= 1<<53 {
		return 0, false
	}
	f = float64(n) / powersOf10[len(digits)-1-point]
	if cell[0] == '-' {
		f = -f
	}
	return f, true
}

func parseDuration(cell []byte) (time.Duration, error) {
	d, err := time.ParseDuration(view(cell))
	if err != nil {
		return 0, refusal[time.Duration](cell, `a duration such as "1h30m"`, err)
	}
	return d, nil
}

func appendDuration(dst []byte, d time.Duration) ([]byte, error) {
	return append(dst, d.String()...), nil
}
