package data

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The sums and counts that the README states.
const (
	packedSum = "6200316b1fcc74ef52df7b716d6b0a289be6393502b615ad029cb33aafe3ceae"
	plainSum  = "a6e4664ed2c780f86f7c375dcbe565631b1769442856cd7ab48414feb415bb18"
	departed  = 328521
	cancelled = 8255
)

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// text reads the named table, the embedded one if there is no name.
func text(t *testing.T, name string) []byte {
	t.Helper()
	r, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSums(t *testing.T) {
	plain := text(t, "")
	if got := hexSum(Compressed()); got != packedSum {
		t.Errorf("flights.csv.gz has SHA-256 %s, want %s", got, packedSum)
	}
	if got := hexSum(plain); got != plainSum {
		t.Errorf("its text has SHA-256 %s, want %s", got, plainSum)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, sum := range []string{packedSum, plainSum} {
		if !bytes.Contains(readme, []byte(sum)) {
			t.Errorf("the README does not state %s", sum)
		}
	}
}

func TestGzipHeader(t *testing.T) {
	zr, err := gzip.NewReader(bytes.NewReader(Compressed()))
	if err != nil {
		t.Fatal(err)
	}
	if h := zr.Header; h.Name != "" || h.Comment != "" || !h.ModTime.IsZero() || len(h.Extra) != 0 {
		t.Errorf("the gzip header is not empty: %+v", h)
	}
}

func TestRows(t *testing.T) {
	cr := csv.NewReader(bytes.NewReader(text(t, "")))
	rows, err := cr.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	const header = "scheduled,origin,dest,carrier,flight,delay"
	if got := strings.Join(rows[0], ","); got != header {
		t.Fatalf("header %q, want %q", got, header)
	}
	// New York is five hours behind UTC at the turn of the year.
	first := time.Date(2013, 1, 1, 5, 0, 0, 0, time.UTC)
	end := time.Date(2014, 1, 1, 5, 0, 0, 0, time.UTC)
	var left, never int
	var last time.Time
	for i, row := range rows[1:] {
		at, err := time.Parse("2006-01-02T15:04:05Z", row[0])
		if err != nil || at.Before(first) || !at.Before(end) {
			t.Fatalf("row %d: scheduled at %s: %v", i+1, row[0], err)
		}
		if o := row[1]; o != "EWR" && o != "JFK" && o != "LGA" {
			t.Fatalf("row %d: left from %q", i+1, o)
		}
		if len(row[2]) != 3 || len(row[3]) != 2 || row[4] == "" {
			t.Fatalf("row %d: %q", i+1, row)
		}
		if row[5] == "" {
			never++
			continue
		}
		if never > 0 {
			t.Fatalf("row %d: departed, after one that never did", i+1)
		}
		delay, err := strconv.Atoi(row[5])
		if err != nil {
			t.Fatalf("row %d: %v", i+1, err)
		}
		at = at.Add(time.Duration(delay) * time.Minute)
		if at.Before(last) {
			t.Fatalf("row %d: departed before the one above it", i+1)
		}
		last = at
		left++
	}
	if left != departed || never != cancelled {
		t.Errorf("%d departed and %d did not, want %d and %d", left, never, departed, cancelled)
	}
}

func TestOpenFile(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "some.csv")
	if err := os.WriteFile(plain, []byte("scheduled\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := string(text(t, plain)); got != "scheduled\n" {
		t.Errorf("a plain file reads as %q", got)
	}
	if got := hexSum(text(t, "flights.csv.gz")); got != plainSum {
		t.Errorf("the compressed file has SHA-256 %s, want %s", got, plainSum)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("opened a file that is not there")
	}
}
