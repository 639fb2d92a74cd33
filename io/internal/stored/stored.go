// Package stored encodes the small values that connectors give a runner to keep:
// positions and committables. It knows nothing of what they mean.
//
// They are JSON, so that who inspects a checkpoint can read them, with their
// version in "v". Its invariant: what Decode accepts, Encode made of a value with
// the same fields; all else is an error that says what to do.
package stored

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Encode is v, a struct with its version in the field "v". It panics on what has
// no JSON encoding.
func Encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// Decode decodes b, which is of this version or one before it, into v. In errors, what
// names it: "position".
func Decode(what string, b []byte, version int, v any) error {
	var head struct {
		V int `json:"v"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return fmt.Errorf("the %s %s is not one of a connector of files: %w; was the connector changed since the checkpoint?", what, excerpt(b), err)
	}
	if head.V < 1 || head.V > version {
		reads := "version 1"
		if version > 1 {
			reads = fmt.Sprintf("versions up to %d", version)
		}
		return fmt.Errorf("the %s %s is of version %d, and this program reads %s: run the program that made it, or a newer one", what, excerpt(b), head.V, reads)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return Damaged(what, b, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Damaged(what, b, errors.New("something follows it"))
	}
	return nil
}

// Damaged is the error for a b that decodes to something that cannot be.
func Damaged(what string, b []byte, err error) error {
	return fmt.Errorf("the %s %s is damaged: %w; go back to an earlier checkpoint", what, excerpt(b), err)
}

// excerpt quotes the beginning of b.
func excerpt(b []byte) string {
	const limit = 80
	if len(b) > limit {
		return fmt.Sprintf("%q...", b[:limit])
	}
	return fmt.Sprintf("%q", b)
}

// A Path is the name of a file, which need not be UTF-8, in JSON, which is.
type Path string

const base64Prefix = "base64:"

func (p Path) MarshalText() ([]byte, error) {
	if utf8.ValidString(string(p)) && !strings.HasPrefix(string(p), base64Prefix) {
		return []byte(p), nil
	}
	return base64.StdEncoding.AppendEncode([]byte(base64Prefix), []byte(p)), nil
}

func (p *Path) UnmarshalText(text []byte) error {
	encoded, ok := bytes.CutPrefix(text, []byte(base64Prefix))
	if !ok {
		*p = Path(text)
		return nil
	}
	raw, err := base64.StdEncoding.AppendDecode(nil, encoded)
	*p = Path(raw)
	return err
}
