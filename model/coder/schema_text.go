package coder

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// The text form is a header, the root's type, and a definition for each struct
// and for each other type that contains itself, in the order of first mention:
//
//	millrace schema 1
//	root main.Order
//
//	main.Order struct
//	  ID string
//	  Items []main.Item
//	  Replaces *main.Order
//
//	main.Item struct
//	  Price int64
//	  Maker binary "net/netip.Addr"
//
// The number is the version of the encodings and of this text.
const schemaHeader = "millrace schema 1"

const (
	rootMark   = "root "
	structMark = " struct"
	equalsMark = " = "
	indent     = "  "
)

// MarshalText returns the schema as text, the same for equal types in every
// build of a program.
func (s *Schema) MarshalText() ([]byte, error) {
	if s == nil || s.root == nil {
		return nil, errors.New("coder: the schema is empty")
	}
	w := schemaWriter{names: map[*node]string{}, taken: map[string]*node{}}
	w.out.WriteString(schemaHeader + "\n" + rootMark + w.typeText(s.root) + "\n")
	for len(w.queue) > 0 {
		n := w.queue[0]
		w.queue = w.queue[1:]
		w.define(n)
	}
	return w.out.Bytes(), nil
}

// A schemaWriter gives out names for defined types as it first meets them.
type schemaWriter struct {
	out   bytes.Buffer
	names map[*node]string
	taken map[string]*node
	queue []*node // named, still to be defined
}

func (w *schemaWriter) define(n *node) {
	w.out.WriteString("\n" + w.names[n])
	if n.kind != kindStruct {
		w.out.WriteString(equalsMark + w.structure(n) + "\n")
		return
	}
	w.out.WriteString(structMark + "\n")
	for _, f := range n.fields {
		w.out.WriteString(indent + f.name + " " + w.typeText(f.node) + "\n")
	}
}

// typeText mentions a type: by its name if it is defined, else in full.
func (w *schemaWriter) typeText(n *node) string {
	if n.label == "" {
		return w.structure(n)
	}
	if name, ok := w.names[n]; ok {
		return name
	}
	name := n.label
	for i := 2; ; i++ {
		other, clash := w.taken[name]
		if !clash {
			break
		}
		if same(n, other) {
			w.names[n] = name
			return name
		}
		name = n.label + "#" + strconv.Itoa(i)
	}
	w.names[n], w.taken[name] = name, n
	w.queue = append(w.queue, n)
	return name
}

func (w *schemaWriter) structure(n *node) string { return nodeText(n, w.typeText) }

// nodeText spells out one node, and mentions those below by the function given.
func nodeText(n *node, mention func(*node) string) string {
	switch n.kind {
	case kindPointer:
		return "*" + mention(n.elem)
	case kindSlice:
		return "[]" + mention(n.elem)
	case kindArray:
		return "[" + strconv.Itoa(n.length) + "]" + mention(n.elem)
	case kindMap:
		return "map[" + mention(n.key) + "]" + mention(n.elem)
	case kindBinary, kindProto:
		return kindNames[n.kind] + " " + strconv.Quote(n.name)
	default:
		return kindNames[n.kind]
	}
}

// cleanLabel makes of a type's name one word that the grammar can take: type
// arguments may hold anything, even a struct's tags.
func cleanLabel(label string) string {
	depth, balanced := 0, true
	clean := strings.Map(func(r rune) rune {
		switch {
		case r == '[':
			depth++
		case r == ']':
			depth--
			balanced = balanced && depth >= 0
		case unicode.IsLetter(r), unicode.IsDigit(r), strings.ContainsRune("_.,*{}…#", r):
		case r == ' ':
			return -1
		default:
			return '_'
		}
		return r
	}, label)
	if depth != 0 || !balanced {
		clean = strings.NewReplacer("[", "_", "]", "_").Replace(clean)
	}
	return clean
}

// UnmarshalText reads what MarshalText wrote. It leaves the schema as it was if
// the text is not right.
func (s *Schema) UnmarshalText(text []byte) error {
	r := schemaReader{nodes: map[string]*node{}}
	root, err := r.read(string(text))
	if err != nil {
		return fmt.Errorf("coder: schema, line %d: %w", r.line, err)
	}
	s.root = root
	return nil
}

// A schemaReader holds the named types met so far; those still to be defined
// are of kindNone.
type schemaReader struct {
	nodes map[string]*node
	names []string // of nodes, in the order met
	line  int
}

func (r *schemaReader) read(text string) (*node, error) {
	var root, current *node
	for line := range strings.Lines(text) {
		r.line++
		line, ok := strings.CutSuffix(line, "\n")
		var err error
		switch {
		case !ok:
			return nil, errors.New("it ends early")
		case r.line == 1:
			if line != schemaHeader {
				return nil, fmt.Errorf("it begins with %.40q, not %q: another version, or no schema", line, schemaHeader)
			}
		case r.line == 2:
			expr, ok := strings.CutPrefix(line, rootMark)
			if !ok {
				return nil, errors.New("there is no root")
			}
			root, err = r.whole(expr)
		case line == "":
			current = nil
		case strings.HasPrefix(line, indent):
			err = r.field(current, line[len(indent):])
		default:
			current, err = r.definition(line)
		}
		if err != nil {
			return nil, err
		}
	}
	if root == nil {
		return nil, errors.New("it ends early")
	}
	for _, name := range r.names {
		if r.nodes[name].kind == kindNone {
			return nil, fmt.Errorf("type %q is not defined", name)
		}
	}
	return root, nil
}

func (r *schemaReader) definition(line string) (*node, error) {
	if name, ok := strings.CutSuffix(line, structMark); ok {
		n, err := r.define(name)
		if err == nil {
			n.kind = kindStruct
		}
		return n, err
	}
	name, expr, ok := strings.Cut(line, equalsMark)
	if !ok {
		return nil, fmt.Errorf("%q is no definition", line)
	}
	body, err := r.whole(expr)
	if err != nil {
		return nil, err
	}
	if body.label != "" {
		return nil, fmt.Errorf("type %q is only another name", name)
	}
	n, err := r.define(name)
	if err == nil {
		body.label = n.label
		*n = *body
	}
	return nil, err
}

func (r *schemaReader) define(name string) (*node, error) {
	if name == "" || cleanLabel(name) != name {
		return nil, fmt.Errorf("%q is no name", name)
	}
	n := r.named(name)
	if n.kind != kindNone {
		return nil, fmt.Errorf("type %q is defined twice", name)
	}
	return n, nil
}

func (r *schemaReader) named(name string) *node {
	n, ok := r.nodes[name]
	if !ok {
		n = &node{label: name}
		r.nodes[name] = n
		r.names = append(r.names, name)
	}
	return n
}

func (r *schemaReader) field(n *node, line string) error {
	name, expr, ok := strings.Cut(line, " ")
	if n == nil || !ok || name == "" {
		return fmt.Errorf("%q is no field of a struct", line)
	}
	for _, f := range n.fields {
		if f.name == name {
			return fmt.Errorf("field %q is there twice", name)
		}
	}
	t, err := r.whole(expr)
	if err != nil {
		return err
	}
	n.fields = append(n.fields, nodeField{name: name, node: t})
	return nil
}

func (r *schemaReader) whole(expr string) (*node, error) {
	n, rest, err := r.typ(expr, 0)
	if err == nil && rest != "" {
		err = fmt.Errorf("%q after a type", rest)
	}
	return n, err
}

// typ parses one type and returns what follows it.
func (r *schemaReader) typ(s string, depth int) (n *node, rest string, err error) {
	const maxNesting = 1000
	if depth > maxNesting {
		return nil, "", errors.New("a type is nested too deeply")
	}
	word, rest := cutWord(s)
	switch {
	case strings.HasPrefix(s, "*"):
		n, rest = &node{kind: kindPointer}, s[1:]
	case strings.HasPrefix(s, "[]"):
		n, rest = &node{kind: kindSlice}, s[2:]
	case strings.HasPrefix(s, "["):
		size, after, ok := strings.Cut(s[1:], "]")
		length, err := strconv.Atoi(size)
		if !ok || err != nil || strconv.Itoa(length) != size || length < 0 {
			return nil, "", fmt.Errorf("%q is no length of an array", size)
		}
		n, rest = &node{kind: kindArray, length: length}, after
	case strings.HasPrefix(s, "map["):
		key, after, err := r.typ(s[len("map["):], depth+1)
		if err != nil {
			return nil, "", err
		}
		if after, ok := strings.CutPrefix(after, "]"); ok {
			n, rest = &node{kind: kindMap, key: key}, after
			break
		}
		return nil, "", fmt.Errorf("%q is no map", s)
	default:
		return r.leaf(word, rest)
	}
	n.elem, rest, err = r.typ(rest, depth+1)
	return n, rest, err
}

// leaf parses a type that has none below it in the text.
func (r *schemaReader) leaf(word, rest string) (*node, string, error) {
	for k, name := range kindNames {
		if name == "" || word != name {
			continue
		}
		n := &node{kind: kind(k)}
		if n.kind != kindBinary && n.kind != kindProto {
			return n, rest, nil
		}
		quoted, err := strconv.QuotedPrefix(strings.TrimPrefix(rest, " "))
		if err != nil {
			return nil, "", fmt.Errorf("%s without a quoted name", name)
		}
		n.name, err = strconv.Unquote(quoted)
		return n, strings.TrimPrefix(rest, " ")[len(quoted):], err
	}
	if word == "" || cleanLabel(word) != word {
		return nil, "", fmt.Errorf("%q is no type", word)
	}
	return r.named(word), rest, nil
}

// cutWord cuts s before the first space, or the first bracket that closes none
// of its own.
func cutWord(s string) (word, rest string) {
	depth := 0
	for i, r := range s {
		switch r {
		case '[':
			depth++
		case ']':
			depth--
		}
		if depth < 0 || r == ' ' {
			return s[:i], s[i:]
		}
	}
	return s, ""
}
