package coder_test

import (
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/millrace/millrace/model/coder"
)

const schemaHeader = "millrace schema 1\n"

// TestGoldenSchemas reads schemas that programs might have stored, and compares
// them. The header is left out, save where it is what matters.
func TestGoldenSchemas(t *testing.T) {
	datadriven.RunTest(t, "testdata/schemas", func(t *testing.T, d *datadriven.TestData) string {
		switch d.Cmd {
		case "parse":
			var s coder.Schema
			text := schemaHeader + d.Input + "\n"
			if d.HasArg("whole") {
				text = d.Input + "\n"
			}
			if err := s.UnmarshalText([]byte(text)); err != nil {
				return err.Error() + "\n"
			}
			return strings.TrimPrefix(s.String(), schemaHeader)
		case "compare":
			before, after, _ := strings.Cut(d.Input, "=>\n")
			stored, current := parseSchema(t, before), parseSchema(t, after)
			found := coder.Compare(stored, current)
			if equal := stored.Equal(current); equal != (len(found) == 0) {
				t.Errorf("%s: Equal is %v", d.Pos, equal)
			}
			if len(found) == 0 {
				return "equal\n"
			}
			var out strings.Builder
			for _, f := range found {
				out.WriteString(f.String() + "\n")
			}
			return out.String()
		default:
			t.Fatalf("%s: no command %q", d.Pos, d.Cmd)
			return ""
		}
	})
}

func parseSchema(t *testing.T, text string) *coder.Schema {
	t.Helper()
	s := new(coder.Schema)
	if err := s.UnmarshalText([]byte(schemaHeader + strings.TrimSuffix(text, "\n") + "\n")); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchemaTextRoundTrip(t *testing.T) {
	for name, encode := range goldenValues {
		schema, _, err := encode()
		if err != nil {
			continue
		}
		text := must(schema.MarshalText())
		var read coder.Schema
		if err := read.UnmarshalText(text); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !read.Equal(schema) || !schema.Equal(&read) {
			t.Errorf("%s: what was read differs: %v", name, coder.Compare(schema, &read))
		}
		if again := read.String(); again != string(text) {
			t.Errorf("%s: written again, the text is\n%s\nnot\n%s", name, again, text)
		}
	}
}

func TestSchemasOfUnlikeTypesDiffer(t *testing.T) {
	for a, encodeA := range goldenValues {
		for b, encodeB := range goldenValues {
			schemaA, _, errA := encodeA()
			schemaB, _, errB := encodeB()
			if errA != nil || errB != nil {
				continue
			}
			if equal := schemaA.String() == schemaB.String(); equal != schemaA.Equal(schemaB) {
				t.Errorf("%s and %s: Equal is %v", a, b, !equal)
			}
		}
	}
}

// Two types of one name are kept apart, and one type met in two modes is not.
func TestSchemaNames(t *testing.T) {
	type local = struct {
		A struct{ B int }
		C struct{ D string }
		E map[acc]acc
	}
	schema := must(coder.For[local]()).Schema()
	text := schema.String()
	for _, want := range []string{"A struct{…}#2\n", "C struct{…}#3\n", "E map[coder_test.acc]coder_test.acc\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if !parseSchema(t, strings.TrimPrefix(text, schemaHeader)).Equal(schema) {
		t.Errorf("lost in the text:\n%s", text)
	}
}

func TestZeroSchema(t *testing.T) {
	var zero coder.Schema
	if zero.Equal(must(coder.For[int]()).Schema()) || zero.Equal(nil) {
		t.Error("the zero schema equals another")
	}
	if _, err := zero.MarshalText(); err == nil {
		t.Error("the zero schema has a text")
	}
	if s := zero.String(); s != "no schema" {
		t.Errorf("the zero schema prints as %q", s)
	}
}

func TestBadSchemaTextLeavesSchema(t *testing.T) {
	s := parseSchema(t, "root int64")
	if err := s.UnmarshalText([]byte(schemaHeader + "root nonsense\n")); err == nil {
		t.Fatal("nonsense was accepted")
	}
	if !s.Equal(must(coder.For[int]()).Schema()) {
		t.Errorf("the schema has become %s", s)
	}
}
