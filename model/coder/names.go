package coder

import (
	"reflect"
	"strconv"
	"strings"
)

// typeName names a type as its user would write it: model.KV[string,main.Order],
// with the last element of import paths only.
func typeName(t reflect.Type) string {
	if t.Name() != "" {
		return shorten(t.String())
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + typeName(t.Elem())
	case reflect.Slice:
		if t.Elem() == reflect.TypeFor[byte]() {
			return "[]byte"
		}
		return "[]" + typeName(t.Elem())
	case reflect.Array:
		return "[" + strconv.Itoa(t.Len()) + "]" + typeName(t.Elem())
	case reflect.Map:
		return "map[" + typeName(t.Key()) + "]" + typeName(t.Elem())
	case reflect.Struct:
		if t.NumField() > 0 {
			return "struct{…}"
		}
	}
	return shorten(t.String())
}

// shorten takes the directories of import paths out of a type's text, which
// reflect leaves in type arguments, and the numbers it gives to local types.
func shorten(s string) string {
	s = strings.NewReplacer("interface {}", "any", "struct {}", "struct{}").Replace(s)
	var out strings.Builder
	for len(s) > 0 {
		end := strings.IndexAny(s, "[]*(){}, ")
		if end < 0 {
			end = len(s)
		}
		word := s[strings.LastIndexByte(s[:end], '/')+1 : end]
		word, _, _ = strings.Cut(word, "·")
		out.WriteString(word)
		if end < len(s) {
			out.WriteByte(s[end])
			end++
		}
		s = s[end:]
	}
	return out.String()
}

// qualifiedName names a type for good, by its full import path.
func qualifiedName(t reflect.Type) string {
	return t.PkgPath() + "." + t.Name()
}
