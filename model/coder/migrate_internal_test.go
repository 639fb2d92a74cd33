package coder

import (
	"bytes"
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Types are made up, changed twice as a program's might be, and values of the first
// read as the last. That must be what converting them by reflection, once for each
// change, comes to.

var fieldNames = []string{"A", "B", "C", "D", "E"}

var scalars = []reflect.Type{
	reflect.TypeFor[bool](), reflect.TypeFor[string](), reflect.TypeFor[[]byte](), reflect.TypeFor[time.Time](), reflect.TypeFor[int](),
	reflect.TypeFor[int8](), reflect.TypeFor[int16](), reflect.TypeFor[int32](), reflect.TypeFor[int64](),
	reflect.TypeFor[uint8](), reflect.TypeFor[uint16](), reflect.TypeFor[uint32](), reflect.TypeFor[uint64](),
	reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[complex64](),
}

var wider = map[reflect.Kind][]reflect.Type{
	reflect.Int8:      {reflect.TypeFor[int16](), reflect.TypeFor[int32](), reflect.TypeFor[int64](), reflect.TypeFor[int]()},
	reflect.Int16:     {reflect.TypeFor[int32](), reflect.TypeFor[int64]()},
	reflect.Int32:     {reflect.TypeFor[int64](), reflect.TypeFor[int]()},
	reflect.Uint8:     {reflect.TypeFor[uint16](), reflect.TypeFor[uint32](), reflect.TypeFor[int16](), reflect.TypeFor[uint64]()},
	reflect.Uint16:    {reflect.TypeFor[uint32](), reflect.TypeFor[int32](), reflect.TypeFor[uint]()},
	reflect.Uint32:    {reflect.TypeFor[uint64](), reflect.TypeFor[int64]()},
	reflect.Float32:   {reflect.TypeFor[float64]()},
	reflect.Complex64: {reflect.TypeFor[complex128]()},
}

func drawType(t *rapid.T, depth int) reflect.Type {
	which := rapid.IntRange(0, 12).Draw(t, "type")
	if depth == 0 || which < 5 {
		return rapid.SampledFrom(scalars).Draw(t, "scalar")
	}
	switch which {
	case 5:
		return reflect.PointerTo(drawType(t, depth-1))
	case 6:
		return reflect.SliceOf(drawType(t, depth-1))
	case 7:
		return reflect.ArrayOf(rapid.IntRange(0, 3).Draw(t, "length"), drawType(t, depth-1))
	case 8:
		key := rapid.SampledFrom([]reflect.Type{reflect.TypeFor[string](), reflect.TypeFor[int8](), reflect.TypeFor[uint16](),
			reflect.TypeFor[struct{ A uint8 }](), reflect.TypeFor[[2]uint8]()}).Draw(t, "key")
		return reflect.MapOf(key, drawType(t, depth-1))
	default:
		return drawStruct(t, depth)
	}
}

func drawStruct(t *rapid.T, depth int) reflect.Type {
	var fields []reflect.StructField
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(fieldNames), 1, 4, rapid.ID).Draw(t, "fields") {
		fields = append(fields, reflect.StructField{Name: name, Type: drawType(t, depth-1)})
	}
	return reflect.StructOf(fields)
}

// evolve changes a type in ways that are to be migrated.
func evolve(t *rapid.T, typ reflect.Type, inKey bool) reflect.Type {
	if to := wider[typ.Kind()]; to != nil && rapid.Bool().Draw(t, "widen") {
		return rapid.SampledFrom(to).Draw(t, "wider")
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return reflect.PointerTo(evolve(t, typ.Elem(), inKey))
	case reflect.Slice:
		if typ.Elem().Kind() == reflect.Uint8 {
			return typ
		}
		return reflect.SliceOf(evolve(t, typ.Elem(), inKey))
	case reflect.Array:
		return reflect.ArrayOf(typ.Len(), evolve(t, typ.Elem(), inKey))
	case reflect.Map:
		return reflect.MapOf(evolve(t, typ.Key(), true), evolve(t, typ.Elem(), inKey))
	case reflect.Struct:
		if isTime(typ) {
			return typ
		}
		var fields []reflect.StructField
		there := map[string]bool{}
		for i := range typ.NumField() {
			f := typ.Field(i)
			there[f.Name] = true
			if i == 0 || inKey || rapid.IntRange(0, 3).Draw(t, "keep") > 0 {
				fields = append(fields, reflect.StructField{Name: f.Name, Type: evolve(t, f.Type, inKey)})
			}
		}
		for _, name := range fieldNames {
			if !there[name] && rapid.IntRange(0, 3).Draw(t, "add") == 0 {
				added := reflect.TypeFor[int8]()
				if !inKey {
					added = drawType(t, 1)
				}
				fields = append(fields, reflect.StructField{Name: name, Type: added})
			}
		}
		return reflect.StructOf(rapid.Permutation(fields).Draw(t, "order"))
	}
	return typ
}

// fill gives a value its contents.
func fill(t *rapid.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.String:
		v.SetString(rapid.StringN(0, 3, -1).Draw(t, "string"))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "int"))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		v.SetUint(rapid.Uint64().Draw(t, "uint"))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(rapid.Float64().Draw(t, "float"))
	case reflect.Complex64, reflect.Complex128:
		v.SetComplex(complex(rapid.Float64().Draw(t, "re"), math.Inf(-1)))
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "set") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem())
		}
	case reflect.Slice:
		if n := rapid.IntRange(-1, 3).Draw(t, "len"); n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fill(t, v.Index(i))
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.Map:
		if n := rapid.IntRange(-1, 3).Draw(t, "entries"); n >= 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n {
				k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				fill(t, k)
				fill(t, e)
				v.SetMapIndex(k, e)
			}
		}
	case reflect.Struct:
		if isTime(v.Type()) {
			v.Set(reflect.ValueOf(time.Unix(rapid.Int64Range(-1e10, 1e10).Draw(t, "time"), 5).UTC()))
			return
		}
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	}
}

// convert is the reference.
func convert(from, to reflect.Value) {
	if from.Type() == to.Type() {
		to.Set(from)
		return
	}
	switch from.Kind() {
	case reflect.Pointer:
		if !from.IsNil() {
			to.Set(reflect.New(to.Type().Elem()))
			convert(from.Elem(), to.Elem())
		}
	case reflect.Slice:
		if !from.IsNil() {
			to.Set(reflect.MakeSlice(to.Type(), from.Len(), from.Len()))
			for i := range from.Len() {
				convert(from.Index(i), to.Index(i))
			}
		}
	case reflect.Array:
		for i := range from.Len() {
			convert(from.Index(i), to.Index(i))
		}
	case reflect.Map:
		if !from.IsNil() {
			to.Set(reflect.MakeMap(to.Type()))
			for it := from.MapRange(); it.Next(); {
				k, e := reflect.New(to.Type().Key()).Elem(), reflect.New(to.Type().Elem()).Elem()
				convert(it.Key(), k)
				convert(it.Value(), e)
				to.SetMapIndex(k, e)
			}
		}
	case reflect.Struct:
		for i := range from.NumField() {
			if f := to.FieldByName(from.Type().Field(i).Name); f.IsValid() {
				convert(from.Field(i), f)
			}
		}
	default:
		to.Set(from.Convert(to.Type()))
	}
}

func schemaFor(t *rapid.T, typ reflect.Type) *Schema {
	c, err := codecOf(request{typ, asValue})
	if err != nil {
		t.Skip(err) // an array in a slice that encodes to nothing
	}
	text, err := (&Schema{root: c.node}).MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	parsed := new(Schema)
	if err := parsed.UnmarshalText(text); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return parsed
}

func encodeValue(t *rapid.T, v reflect.Value) []byte {
	c, err := codecOf(request{v.Type(), asValue})
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.enc(nil, v.Addr().UnsafePointer(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMigratingIsConvertingStepByStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := drawStruct(t, 3)
		second := evolve(t, first, false)
		third := evolve(t, second, false)
		stored, between := schemaFor(t, first), schemaFor(t, second)
		schemaFor(t, third)
		dec, _, err := migrate(stored, []*Schema{between}, request{third, asValue})
		if err != nil {
			if refused, ok := err.(*MigrationError); ok && bytes.Contains([]byte(refused.Error()), []byte("stored as nothing")) {
				t.Skip(err)
			}
			t.Fatalf("from %v\nby %v\nto %v:\n%v", first, second, third, err)
		}
		v := reflect.New(first).Elem()
		fill(t, v)
		b := append(encodeValue(t, v), "rest"...)

		got := reflect.New(third).Elem()
		rest, err := dec(b, got.Addr().UnsafePointer(), 0)
		if err != nil || string(rest) != "rest" {
			t.Fatalf("%v; %q is left", err, rest)
		}
		mid, want := reflect.New(second).Elem(), reflect.New(third).Elem()
		convert(v, mid)
		convert(mid, want)
		if g, w := encodeValue(t, got), encodeValue(t, want); !bytes.Equal(g, w) {
			t.Fatalf("%+v\nas %v\nby %v\nto %v\nis %+v\nand not %+v", v, first, second, third, got, want)
		}
		for n := range b[:len(b)-len("rest")] { // no panic, nor a value of what is cut short
			if _, err := dec(b[:n:n], reflect.New(third).UnsafePointer(), 0); err == nil && n < len(b)-len("rest") {
				t.Fatalf("%d of %d bytes will do", n, len(b)-len("rest"))
			}
		}
	})
}

// Bytes that no encoder wrote end in an error or a value, and claim no memory that
// they cannot back.
func FuzzMigrate(f *testing.F) {
	type leaf struct {
		N    int8
		Gone map[string][]*time.Time
		Flat [4]uint8
	}
	type before struct {
		Name  string
		Gone  []leaf
		Kids  []leaf
		By    map[uint16]leaf
		Self  *before
		Lost  *before
		Ratio float32
	}
	type newLeaf struct {
		Flat [4]int16
		N    int64
		More []string
	}
	type after struct {
		Self  *after
		Kids  []newLeaf
		By    map[uint32]newLeaf
		Ratio float64
		Extra *int
		Name  string
	}
	from, to := must2(For[before]()), must2(For[after]())
	m := must2(to.From(from.Schema()))
	seed := before{
		Name: "a", Gone: []leaf{{N: 1, Gone: map[string][]*time.Time{"x": {nil}}}}, Kids: []leaf{{N: -3, Flat: [4]uint8{255, 1}}},
		By: map[uint16]leaf{9: {N: 9}}, Self: &before{Ratio: 2}, Lost: &before{Self: &before{}}, Ratio: 0.5,
	}
	good := must2(from.Append(nil, &seed))
	f.Add(good)
	f.Add(bytes.Repeat([]byte{1}, 60))
	f.Add(bytes.Repeat([]byte{0xfe, 1}, 60))
	var v after
	must2(m.Decode(good, &v))
	if v.Kids[0].N != -3 || v.Kids[0].Flat[0] != 255 || v.By[9].N != 9 || v.Self.Ratio != 2 || v.Ratio != 0.5 || v.Name != "a" {
		f.Fatalf("%+v", v)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		var old before
		_, oldErr := from.Decode(src, &old)
		var v after
		rest, err := m.Decode(src, &v)
		if oldErr == nil && err != nil {
			t.Fatalf("the old type can be read, the new one not: %v", err)
		}
		if err != nil {
			return
		}
		again := must2(to.Append(nil, &v))
		if len(rest) > len(src) || len(again) > 20*len(src)+200 {
			t.Fatalf("%d bytes became %d", len(src), len(again))
		}
	})
}

func must2[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Migrating decodes without reflection, and allocates what the value holds.
func TestMigratingAllocatesWhatTheValueHolds(t *testing.T) {
	type before struct {
		N, Gone int32
		F       float32
	}
	type after struct {
		F     float64
		Added int
		N     int64
	}
	m := must2(must2(For[after]()).From(must2(For[before]()).Schema()))
	b := must2(must2(For[before]()).Append(nil, &before{1, 2, 3}))
	v := new(after)
	if n := testing.AllocsPerRun(100, func() { must2(m.Decode(b, v)) }); n > 0 || *v != (after{3, 0, 1}) {
		t.Errorf("%v allocations, %+v", n, v)
	}
}
