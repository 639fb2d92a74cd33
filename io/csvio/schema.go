package csvio

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// A schema is the columns of a row type.
type schema struct {
	typ    reflect.Type
	fields []field
}

// A field is a field of a row type.
type field struct {
	path     string // "Order.Amount", for messages
	name     string // of the column
	tagged   bool   // the name is from the tag, and taken to the letter
	optional bool
	index    []int
	codec    codec
}

// schemaOf works out the columns of t. All mistakes are reported together.
func schemaOf(t reflect.Type) (*schema, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("rows are %v, and must be structs with a field for each column", t)
	}
	s := &schema{typ: t}
	err := s.add(t, t.Name(), nil)
	names := map[string]field{}
	for _, f := range s.fields {
		if other, taken := names[f.name]; taken {
			err = errors.Join(err, fmt.Errorf("%s and %s are both the column %q; name one of them otherwise in its tag", other.path, f.path, f.name))
		}
		names[f.name] = f
	}
	if err == nil && len(s.fields) == 0 {
		err = fmt.Errorf("%v has no exported fields, which are the columns", t)
	}
	return s, err
}

// add adds the fields of struct t, which is at index in the row.
func (s *schema) add(t reflect.Type, path string, index []int) error {
	var errs []error
	for i := range t.NumField() {
		sf := t.Field(i)
		f := field{path: path + "." + sf.Name, name: sf.Name, index: append(index[:len(index):len(index)], i)}
		tag, tagged := sf.Tag.Lookup("csv")
		if tag == "-" {
			continue
		}
		if sf.Anonymous && !tagged && embeds(sf.Type) {
			errs = append(errs, s.add(sf.Type, f.path, f.index))
			continue
		}
		if !sf.IsExported() {
			if tagged {
				errs = append(errs, fmt.Errorf("%s has a csv tag and is not exported; export it, or remove the tag", f.path))
			}
			continue
		}
		layout, err := f.parseTag(tag)
		if err == nil {
			f.codec, err = codecFor(sf.Type, layout)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", f.path, err))
			continue
		}
		s.fields = append(s.fields, f)
	}
	return errors.Join(errs...)
}

// embeds reports whether the fields of an embedded t are columns, rather than t
// itself.
func embeds(t reflect.Type) bool {
	_, err := codecFor(t, "")
	return t.Kind() == reflect.Struct && err != nil
}

// parseTag takes a tag such as "name,optional,layout=2006-01-02" apart.
func (f *field) parseTag(tag string) (layout string, err error) {
	name, options, _ := strings.Cut(tag, ",")
	if name != "" {
		f.name, f.tagged = name, true
	}
	for options != "" {
		if l, ok := strings.CutPrefix(options, "layout="); ok {
			if l == "" {
				return "", errors.New("the layout in its tag is empty")
			}
			if strings.HasSuffix(l, ",optional") {
				return "", fmt.Errorf("its tag has the layout %q, since all that follows \"layout=\" is the layout; put optional before it", l)
			}
			return l, nil
		}
		var option string
		option, options, _ = strings.Cut(options, ",")
		if option != "optional" {
			return "", fmt.Errorf("its tag has the option %q; there are \"optional\" and \"layout=\"", option)
		}
		f.optional = true
	}
	return "", nil
}

// readable reports what of the schema cannot be read.
func (s *schema) readable() error {
	return s.each(func(f field) bool { return f.codec.set != nil }, "MarshalText and no UnmarshalText, and cannot be read")
}

// writable reports what of the schema cannot be written.
func (s *schema) writable() error {
	return s.each(func(f field) bool { return f.codec.get != nil }, "UnmarshalText and no MarshalText, and cannot be written")
}

func (s *schema) each(ok func(field) bool, lack string) error {
	var errs []error
	for _, f := range s.fields {
		if !ok(f) {
			errs = append(errs, fmt.Errorf("%s: its type has %s; add the other, or leave the field out with the tag csv:\"-\"", f.path, lack))
		}
	}
	return errors.Join(errs...)
}

// match finds the column of each field among the names of a header: their
// indices, or -1 for an optional field without one.
func (s *schema) match(names []string) ([]int, error) {
	exact, folded := map[string][]int{}, map[string][]int{}
	for i, name := range names {
		exact[name] = append(exact[name], i)
		folded[strings.ToLower(name)] = append(folded[strings.ToLower(name)], i)
	}
	columns := make([]int, len(s.fields))
	var errs []error
	for i, f := range s.fields {
		found := exact[f.name]
		if len(found) == 0 && !f.tagged {
			found = folded[strings.ToLower(f.name)]
		}
		switch {
		case len(found) > 1 && sameNames(names, found):
			errs = append(errs, fmt.Errorf("%s could be any of %d columns, which are all named %q; rename all but one of them, or leave the field out with the tag csv:\"-\"", f.path, len(found), names[found[0]]))
		case len(found) > 1:
			errs = append(errs, fmt.Errorf("%s could be any of %d columns; give it the name of one, to the letter, in its tag", f.path, len(found)))
		case len(found) == 1:
			columns[i] = found[0]
		case f.optional:
			columns[i] = -1
		default:
			errs = append(errs, fmt.Errorf("there is no column %q for %s; there are %s; name the column in the field's tag, or make it optional there", f.name, f.path, quoteAll(names)))
		}
	}
	return columns, errors.Join(errs...)
}

// sameNames reports whether the columns have one name.
func sameNames(names []string, columns []int) bool {
	for _, c := range columns {
		if names[c] != names[columns[0]] {
			return false
		}
	}
	return true
}

func quoteAll(names []string) string {
	const limit = 30
	var b strings.Builder
	for i, name := range names {
		if i == limit {
			fmt.Fprintf(&b, " and %d more", len(names)-limit)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", name)
	}
	return b.String()
}
