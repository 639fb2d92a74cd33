package textio_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/millrace/millrace/io/textio"
	"github.com/millrace/millrace/model"
)

// BenchmarkReadLines reads the same file with the connector and with a
// bufio.Scanner, in turns, and prints how the one compares to the other.
func BenchmarkReadLines(b *testing.B) {
	for _, width := range []int{20, 100, 400} {
		b.Run(fmt.Sprintf("bytes=%d", width), func(b *testing.B) { benchmarkReadLines(b, width) })
	}
}

func benchmarkReadLines(b *testing.B, width int) {
	const size = 32 << 20
	line := append(bytes.Repeat([]byte{'x'}, width-1), '\n')
	path := filepath.Join(b.TempDir(), "lines.txt")
	if err := os.WriteFile(path, bytes.Repeat(line, size/width), 0o666); err != nil {
		b.Fatal(err)
	}
	var ours, scanner time.Duration
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		n := readAll(b, path)
		ours += time.Since(start)
		b.StopTimer()
		start = time.Now()
		if want := scanAll(b, path); n != want {
			b.Fatalf("the connector read %d lines and the scanner %d", n, want)
		}
		scanner += time.Since(start)
		b.StartTimer()
	}
	b.ReportMetric(scanner.Seconds()/ours.Seconds(), "x-Scanner")
}

var kept string

func readAll(b *testing.B, path string) int {
	src := textio.Source(path, textio.Options{})
	splits, err := src.Splits(context.Background(), 1)
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for _, split := range splits {
		r, err := src.Open(context.Background(), split)
		if err != nil {
			b.Fatal(err)
		}
		for {
			status, err := r.Read(context.Background(), 1024, func(s *string, _ model.Timestamp) {
				kept = *s
				n++
			})
			if err != nil {
				b.Fatal(err)
			}
			if status.Done {
				break
			}
		}
		r.Close()
	}
	return n
}

func scanAll(b *testing.B, path string) int {
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(make([]byte, 256<<10), 16<<20)
	n := 0
	for s.Scan() {
		kept = s.Text()
		n++
	}
	if s.Err() != nil {
		b.Fatal(s.Err())
	}
	return n
}
