package fnapi

import (
	"fmt"

	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
)

// A sizer finds the end of an encoded value: how many bytes at the beginning of b are
// its. It is compiled from a coder of a descriptor.
type sizer func(b []byte) (int, error)

// sizes are the coders without components, as they encode inside of others.
var sizes = map[string]sizer{
	"beam:coder:bytes:v1":         skipBytes,
	"beam:coder:string_utf8:v1":   skipBytes,
	"beam:coder:length_prefix:v1": skipBytes, // whatever is inside
	"beam:coder:varint:v1":        skipVarint,
	"beam:coder:double:v1":        fixed(8),
	"beam:coder:bool:v1":          fixed(1),
	"beam:coder:global_window:v1": fixed(0),
}

func fixed(n int) sizer {
	return func(b []byte) (int, error) {
		if len(b) < n {
			return 0, errShort
		}
		return n, nil
	}
}

// deepest is how far coders may be nested: a coder that contains itself has no end.
const deepest = 32

func newSizer(coders map[string]*pipepb.Coder, id string, depth int) (sizer, error) {
	c := coders[id]
	if c == nil {
		return nil, fmt.Errorf("fnapi: the engine names a coder %q that its descriptor has not", id)
	}
	if depth > deepest {
		return nil, fmt.Errorf("fnapi: the coder %q is nested more than %d deep", id, deepest)
	}
	urn := c.GetSpec().GetUrn()
	if s := sizes[urn]; s != nil {
		return s, nil
	}
	if urn != "beam:coder:kv:v1" {
		return nil, fmt.Errorf("fnapi: the engine sends elements in the coder %s, which this worker cannot read", urn)
	}
	var parts []sizer
	for _, part := range c.GetComponentCoderIds() {
		s, err := newSizer(coders, part, depth+1)
		if err != nil {
			return nil, err
		}
		parts = append(parts, s)
	}
	return func(b []byte) (n int, err error) {
		for _, part := range parts {
			k, err := part(b[n:])
			if err != nil {
				return 0, err
			}
			n += k
		}
		return n, nil
	}, nil
}

// onlyGlobal refuses a windowed coder, given by its coder of windows, that is of other windows.
func onlyGlobal(coders map[string]*pipepb.Coder, id string) error {
	if urn := coders[id].GetSpec().GetUrn(); urn != "beam:coder:global_window:v1" {
		return fmt.Errorf("fnapi: the engine sends elements in windows of the coder %q; this worker leaves them in the global window", urn)
	}
	return nil
}
