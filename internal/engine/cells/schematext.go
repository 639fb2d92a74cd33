package cells

import (
	"errors"
	"fmt"
	"strings"

	"github.com/millrace/millrace/model/coder"
	"github.com/millrace/millrace/model/state"
)

// The text of a Schema has a line for each of its parts, and below it, behind a
// tab, the schema of the type, if there is one:
//
//	key
//		millrace schema 1
//		root string
//	value
//		millrace schema 1
//		root int64
//	cell "seen" "value" expires=true
//	type "value"
//		millrace schema 1
//		root bool
//	timer "forget" "event time" family=false
const (
	keyLine   = "key"
	valueLine = "value"
	frameLine = "frame"
	saidLine  = "said"
	cellLine  = "cell %q %q expires=%t"
	typeLine  = "type %q"
	timerLine = "timer %q %q family=%t"
)

// text is how s is stored.
func (s *Schema) text() string {
	var b strings.Builder
	part := func(schema *coder.Schema, format string, args ...any) {
		fmt.Fprintf(&b, format+"\n", args...)
		if schema != nil {
			for line := range strings.Lines(schema.String()) {
				b.WriteString("\t" + line)
			}
		}
	}
	part(s.Key, keyLine)
	part(s.Value, valueLine)
	if s.Frame != nil {
		part(s.Frame, frameLine)
	}
	if s.Said != nil {
		part(s.Said, saidLine)
	}
	for _, c := range s.Cells {
		part(nil, cellLine, c.Name, c.Kind, c.Expires)
		for _, t := range c.Types {
			part(t.Schema, typeLine, t.Role)
		}
	}
	for _, t := range s.Timers {
		part(nil, timerLine, t.Name, t.Clock, t.Family)
	}
	return b.String()
}

// parseSchema reads what text wrote.
func parseSchema(text string) (*Schema, error) {
	s := new(Schema)
	for text != "" {
		line, rest, ok := strings.Cut(text, "\n")
		if !ok {
			return nil, errors.New("its stored schema ends early")
		}
		var body strings.Builder
		for strings.HasPrefix(rest, "\t") {
			var inner string
			inner, rest, _ = strings.Cut(rest[1:], "\n")
			body.WriteString(inner + "\n")
		}
		text = rest
		if err := s.add(line, body.String()); err != nil {
			return nil, fmt.Errorf("its stored schema cannot be read: %q: %w", line, err)
		}
	}
	if s.Key == nil || s.Value == nil {
		return nil, errors.New("its stored schema has no key or no value")
	}
	return s, nil
}

// add takes one part.
func (s *Schema) add(line, body string) error {
	schema := func() (*coder.Schema, error) {
		parsed := new(coder.Schema)
		return parsed, parsed.UnmarshalText([]byte(body))
	}
	var err error
	word, _, _ := strings.Cut(line, " ")
	switch word {
	case keyLine:
		s.Key, err = schema()
	case valueLine:
		s.Value, err = schema()
	case frameLine:
		s.Frame, err = schema()
	case saidLine:
		s.Said, err = schema()
	case "cell":
		var c CellPart
		_, err = fmt.Sscanf(line, cellLine, &c.Name, &c.Kind, &c.Expires)
		s.Cells = append(s.Cells, c)
	case "type":
		var t state.TypeSpec
		if _, err = fmt.Sscanf(line, typeLine, &t.Role); err != nil {
			return err
		}
		if len(s.Cells) == 0 {
			return errors.New("it is of no cell")
		}
		t.Schema, err = schema()
		c := &s.Cells[len(s.Cells)-1]
		c.Types = append(c.Types, t)
	case "timer":
		var t TimerPart
		_, err = fmt.Sscanf(line, timerLine, &t.Name, &t.Clock, &t.Family)
		s.Timers = append(s.Timers, t)
	default:
		err = errors.New("it is no part of one")
	}
	return err
}
