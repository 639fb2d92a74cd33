package coder_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/millrace/millrace/model/coder"
	"google.golang.org/protobuf/types/known/structpb"
)

func TestErrorsOfMarshalers(t *testing.T) {
	type holder struct{ List []fickle }
	for text, want := range map[string]string{
		"fail":        "coder: encoding coder_test.holder: List[1]: AppendBinary: out of sorts",
		"panic":       "coder: encoding coder_test.holder: List[1]: AppendBinary panicked: no mood",
		"panic error": "coder: encoding coder_test.holder: List[1]: AppendBinary panicked: out of sorts",
		"shrink":      "coder: encoding coder_test.holder: List[1]: AppendBinary: it returned less than it was given",
	} {
		err := appendError(holder{[]fickle{{"fine"}, {text}}})
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
		if (strings.Contains(text, "fail") || strings.Contains(text, "error")) && !errors.Is(err, errFickle) {
			t.Errorf("%s: the cause is lost", text)
		}
	}
	for text, want := range map[string]string{
		"read fail":        "coder: decoding coder_test.holder: List[0]: UnmarshalBinary: out of sorts",
		"read panic":       "coder: decoding coder_test.holder: List[0]: UnmarshalBinary panicked: no mood",
		"read panic error": "coder: decoding coder_test.holder: List[0]: UnmarshalBinary panicked: out of sorts",
	} {
		c := must(coder.For[holder]())
		v := holder{[]fickle{{text}}}
		_, err := c.Decode(must(c.Append(nil, &v)), &v)
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
		if v.List != nil {
			t.Errorf("%s: %v was left", text, v)
		}
	}
}

// A marshaler that keeps its input's capacity cannot reach what follows.
func TestUnmarshalersSeeTheirPartOnly(t *testing.T) {
	c := must(coder.For[[2]grasping]())
	src := []byte("\x01a\x01b")
	var v [2]grasping
	must(c.Decode(src, &v))
	if string(src) != "\x01a\x01b" {
		t.Errorf("the input has become %q", src)
	}
}

type grasping struct{ seen byte }

func (g grasping) MarshalBinary() ([]byte, error) { return []byte{g.seen}, nil }
func (g *grasping) UnmarshalBinary(b []byte) error {
	g.seen = b[0]
	_ = append(b, '!')
	return nil
}

func TestErrorsOfMessages(t *testing.T) {
	if err := appendError(structpb.NewStringValue("\xff")); err == nil || !strings.Contains(err.Error(), "protobuf: ") {
		t.Errorf("encoding what protobuf refuses: %v", err)
	}
	if err := decodeError(t, []byte("\x02\xff"), (*structpb.Value)(nil)); err == nil || !strings.Contains(err.Error(), "protobuf: ") {
		t.Errorf("decoding what protobuf refuses: %v", err)
	}
}

// A message is always a new one: the one that stood there may be in use.
func TestMessagesAreNotReused(t *testing.T) {
	c := must(coder.For[*structpb.Value]())
	v, used := structpb.NewBoolValue(true), structpb.NewStringValue("in use")
	kept := used
	must(c.Decode(must(c.Append(nil, &v)), &used))
	if kept.GetStringValue() != "in use" || !used.GetBoolValue() {
		t.Errorf("%v was decoded over %v", used, kept)
	}
}

func TestMessagesEncodeOneWay(t *testing.T) {
	c := must(coder.For[*structpb.Struct]())
	m := &structpb.Struct{Fields: map[string]*structpb.Value{}}
	for i := range 20 {
		m.Fields[fmt.Sprint(i)] = structpb.NewNumberValue(float64(i))
	}
	first := must(c.Append(nil, &m))
	for range 10 {
		if again := must(c.Append(nil, &m)); !bytes.Equal(first, again) {
			t.Fatalf("%x\n%x", first, again)
		}
	}
}
