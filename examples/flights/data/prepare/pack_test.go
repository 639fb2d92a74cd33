//go:build !race

package main

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/millrace/millrace/examples/flights/data"
)

// TestPack shows that pack makes the committed file out of its text. What a
// compressor writes may change from one release of Go to another, so the test
// holds for the one the file was made with. The race detector, which has nothing
// to find in it, would make it last for a minute.
func TestPack(t *testing.T) {
	if !strings.HasPrefix(runtime.Version(), "go1.26") {
		t.Skipf("enable with: GOTOOLCHAIN=go1.26.8 go test ./examples/flights/data/prepare (flights.csv.gz was made with go1.26, this is %s)", runtime.Version())
	}
	r, err := data.Open("")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := pack(plain)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(packed, data.Compressed()) {
		t.Error("packing the text again does not give flights.csv.gz")
	}
}
