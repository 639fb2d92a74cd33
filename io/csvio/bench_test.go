package csvio_test

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/millrace/millrace/io/csvio"
	"github.com/millrace/millrace/model"
)

type trip struct {
	Vendor   int
	Pickup   time.Time `csv:"pickup,layout=2006-01-02 15:04:05"`
	Distance float64
	Zone     string
	Payment  string
	Fare     float64
	Tip      float64
	Total    float64
}

func trips(b *testing.B, n int, quotes bool) string {
	path := filepath.Join(b.TempDir(), "trips.csv")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "vendor,pickup,distance,zone,payment,fare,tip,total")
	zone := "Upper West Side"
	if quotes {
		zone = `"Upper West Side, ""North"""`
	}
	for i := range n {
		fmt.Fprintf(w, "%d,2024-01-%02d 08:%02d:%02d,%d.%02d,%s,card,%d.5,%d.25,%d.75\n",
			i%3, i%28+1, i%60, i%60, i%20, i%100, zone, i%50, i%9, i%60)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	f.Close()
	return path
}

const rows = 336_000

// BenchmarkRead reads the same rows with the connector and with encoding/csv and
// strconv by hand, in turns, and prints how the one compares to the other.
func BenchmarkRead(b *testing.B) {
	for name, quotes := range map[string]bool{"plain": false, "quoted": true} {
		b.Run(name, func(b *testing.B) {
			path := trips(b, rows, quotes)
			info, err := os.Stat(path)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(info.Size())
			b.ReportAllocs()
			var ours, theirs, records time.Duration
			for b.Loop() {
				start := time.Now()
				sum := readTrips(b, path)
				ours += time.Since(start)
				b.StopTimer()
				start = time.Now()
				if want := readByHand(b, path, true); sum != want {
					b.Fatalf("the connector read %v and encoding/csv %v", sum, want)
				}
				theirs += time.Since(start)
				start = time.Now()
				readByHand(b, path, false)
				records += time.Since(start)
				b.StartTimer()
			}
			b.ReportMetric(float64(b.N)*rows/ours.Seconds()/1e6, "Mrows/s")
			b.ReportMetric(theirs.Seconds()/ours.Seconds(), "x-encoding/csv+strconv")
			b.ReportMetric(records.Seconds()/ours.Seconds(), "x-encoding/csv-alone")
		})
	}
}

func readTrips(b *testing.B, path string) (sum float64) {
	src := csvio.Source(path, csvio.Options[trip]{})
	splits, err := src.Splits(context.Background(), 1)
	if err != nil {
		b.Fatal(err)
	}
	for _, split := range splits {
		r, err := src.Open(context.Background(), split)
		if err != nil {
			b.Fatal(err)
		}
		for done := false; !done; {
			status, err := r.Read(context.Background(), 1024, func(t *trip, _ model.Timestamp) {
				sum += t.Total + float64(t.Pickup.Second()+len(t.Zone))
			})
			if err != nil {
				b.Fatal(err)
			}
			done = status.Done
		}
		r.Close()
	}
	return sum
}

func readByHand(b *testing.B, path string, convert bool) (sum float64) {
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(bufio.NewReaderSize(f, 256<<10))
	r.ReuseRecord = true
	r.Read()
	for {
		record, err := r.Read()
		if err == io.EOF {
			return sum
		}
		if err != nil {
			b.Fatal(err)
		}
		if !convert {
			continue
		}
		var t trip
		var errs [6]error
		t.Vendor, errs[0] = strconv.Atoi(record[0])
		t.Pickup, errs[1] = time.Parse("2006-01-02 15:04:05", record[1])
		t.Distance, errs[2] = strconv.ParseFloat(record[2], 64)
		t.Zone, t.Payment = record[3], record[4]
		t.Fare, errs[3] = strconv.ParseFloat(record[5], 64)
		t.Tip, errs[4] = strconv.ParseFloat(record[6], 64)
		t.Total, errs[5] = strconv.ParseFloat(record[7], 64)
		for _, err := range errs {
			if err != nil {
				b.Fatal(err)
			}
		}
		sum += t.Total + float64(t.Pickup.Second()+len(t.Zone))
	}
}
