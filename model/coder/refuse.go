package coder

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"time"
)

// A RefusedError lists everything in one type that has no encoding.
type RefusedError struct {
	Type    reflect.Type
	Key     bool // the type was to be a key
	Refused []Refusal
}

// A Refusal is one field, or the type itself, that cannot be encoded.
type Refusal struct {
	Path string // as in Items[].Meta; empty for the type itself
	What string // what is there and why that will not do
	Fix  string // what to do about it
}

// Error has one line for each refusal, complete in itself.
func (e *RefusedError) Error() string {
	root := typeName(e.Type)
	if e.Key {
		root = "key " + root
	}
	lines := make([]string, len(e.Refused))
	for i, r := range e.Refused {
		where := root
		if r.Path != "" {
			where += ": field " + r.Path
		}
		lines[i] = fmt.Sprintf("coder: %s %s; %s", where, r.What, r.Fix)
	}
	return strings.Join(lines, "\n")
}

// A reason says what is wrong with a type, and what to do about it.
type reason struct{ what, fix string }

// maxArray bounds the bytes that any encoding of an array takes at least.
const maxArray = math.MaxInt32

var (
	timeType     = reflect.TypeFor[time.Time]()
	locationType = reflect.TypeFor[time.Location]()
	builderType  = reflect.TypeFor[strings.Builder]()
	lockerType   = reflect.TypeFor[sync.Locker]()
)

// refusal says why a type itself, whatever it is made of, has no encoding.
func refusal(t reflect.Type, m mode) (r reason, bad bool) {
	if t == timeType || !marshalsItself(t) {
		return structuralRefusal(t, m)
	}
	switch {
	case m == asValue:
		return reason{}, false
	case !t.Comparable():
		return structuralRefusal(t, m)
	case holdsAddress(t):
		return reason{
			fmt.Sprintf("marshals what it points at (%s), while == compares the address", typeName(t)),
			"use its text or its number",
		}, true
	}
	return reason{}, false
}

// structuralRefusal is refusal for a type that is to be taken apart.
func structuralRefusal(t reflect.Type, m mode) (reason, bool) {
	if r, bad := valueRefusal(t); bad || m == asValue {
		return r, bad
	}
	return keyRefusal(t, m)
}

func valueRefusal(t reflect.Type) (reason, bool) {
	name := typeName(t)
	switch {
	case isLock(t):
		return lockReason(t), true
	case t == builderType:
		return reason{"must not be copied (strings.Builder)", "store its String()"}, true
	case t == locationType:
		return reason{"is a location (time.Location)", "store its name, or a time.Time, which keeps the offset"}, true
	case isHandle(t):
		return reason{fmt.Sprintf("is an address in this process (%s)", name), "store its Value()"}, true
	case t.Kind() == reflect.Struct && isMessage(t):
		return reason{fmt.Sprintf("is a protobuf message (%s) by value", name), "use *" + name}, true
	}
	switch t.Kind() {
	case reflect.Interface:
		return reason{fmt.Sprintf("is an interface (%s)", name), "give it a concrete type"}, true
	case reflect.Func:
		return reason{fmt.Sprintf("is a function (%s)", name), "store what it needs, and choose the function when it is called"}, true
	case reflect.Chan:
		return reason{fmt.Sprintf("is a channel (%s)", name), "keep channels out of what is stored"}, true
	case reflect.UnsafePointer:
		return reason{fmt.Sprintf("is an unsafe pointer (%s)", name), "store what it points at"}, true
	case reflect.Uintptr:
		return reason{fmt.Sprintf("is an address in this process (%s)", name), "use uint64 for a number"}, true
	}
	return reason{}, false
}

func keyRefusal(t reflect.Type, m mode) (reason, bool) {
	name := typeName(t)
	switch t.Kind() {
	case reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		if m == asMapKey {
			return reason{}, false
		}
		return reason{
			fmt.Sprintf("is a floating-point number (%s): NaN does not equal itself, and 0 and -0 are equal though their encodings differ", name),
			"use an integer in a fixed unit, or a string",
		}, true
	case reflect.Pointer:
		if isMessage(t.Elem()) {
			return reason{
				fmt.Sprintf("is a protobuf message (%s), which == compares by address", name),
				"use the fields that identify it",
			}, true
		}
		return reason{fmt.Sprintf("is a pointer (%s), which == compares by address", name), "use the value itself"}, true
	case reflect.Slice:
		return reason{fmt.Sprintf("is a slice (%s), which == cannot compare", name), "use a string or an array"}, true
	case reflect.Map:
		return reason{fmt.Sprintf("is a map (%s), which == cannot compare", name), "use a struct or a string"}, true
	case reflect.Struct:
		if isTime(t) {
			return reason{
				fmt.Sprintf("is a time (%s), of which == compares the location and the monotonic clock too", name),
				"use model.Timestamp, or the int64 of its UnixNano()",
			}, true
		}
	}
	return reason{}, false
}

func lockReason(t reflect.Type) reason {
	return reason{fmt.Sprintf("must not be copied (%s)", typeName(t)), "keep locks and atomics outside of what is stored"}
}

func arrayReason(t reflect.Type) reason {
	return reason{fmt.Sprintf("is an array (%s) that encodes to more than 2 GiB", typeName(t)), "use a slice"}
}

func paddingReason(t reflect.Type) reason {
	return reason{fmt.Sprintf("takes memory but encodes to nothing (%s)", typeName(t)), "use the length of the slice alone"}
}

func dynamicReason(t reflect.Type) reason {
	return reason{
		fmt.Sprintf("is a protobuf message (%s) whose fields are known only at run time", typeName(t)),
		"use a generated message, or its bytes with a description",
	}
}

// isTime includes types declared from time.Time: no other could convert.
func isTime(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.ConvertibleTo(timeType)
}

// isLock reports whether copying a t is a mistake, as package sync sees it, or
// as a type's own Lock and Unlock say it to go vet.
func isLock(t reflect.Type) bool {
	switch t.PkgPath() {
	case "sync", "sync/atomic":
		return t.Kind() != reflect.Interface
	}
	return t.Kind() != reflect.Interface && t.Kind() != reflect.Pointer &&
		reflect.PointerTo(t).Implements(lockerType) && !embeds(t, lockerType)
}

// isHandle reports whether t is a unique.Handle: a pointer by structure, yet one
// that == compares as its value would.
func isHandle(t reflect.Type) bool {
	return t.PkgPath() == "unique" && strings.HasPrefix(t.Name(), "Handle[")
}

// holdsAddress reports whether == on a t compares an address. It passes over
// fields named _, as == does; what interfaces hold is not known.
func holdsAddress(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return true
	case reflect.Array:
		return holdsAddress(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); f.Name != "_" && !isHandle(f.Type) && holdsAddress(f.Type) {
				return true
			}
		}
	}
	return false
}
