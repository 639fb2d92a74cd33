package checkpoint

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// BenchmarkGet reads random keys of three million, which have been written in tables
// of a hundred thousand, and prints what those cost that are there, those that are
// not, and those that are read in order, with a cache for about half of the tables.
func BenchmarkGet(b *testing.B) {
	const n, part = 3_000_000, 100_000
	s, err := Open(vfs.Default, b.TempDir(), Options{KeyGroups: 128, Logger: quiet, CacheBytes: 16 << 20, Synchronous: true})
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range n / part {
		var p puts
		for range part {
			p = append(p, r.Uint64N(n)*2)
		}
		err = errors.Join(err, s.Write(p))
	}
	if err = errors.Join(err, s.Commit(&Manifest{ID: s.NextID()})); err != nil {
		b.Fatal(err)
	}
	var key [14]byte
	var value []byte
	get := func(k uint64) time.Duration {
		binary.BigEndian.PutUint32(key[:], 1)
		binary.BigEndian.PutUint16(key[4:], uint16(k%128))
		binary.BigEndian.PutUint64(key[6:], k)
		begun := time.Now()
		value, _, err = s.Get(key[:], value[:0])
		if err != nil {
			b.Fatal(err)
		}
		return time.Since(begun)
	}
	var there, not time.Duration
	for b.Loop() {
		k := r.Uint64N(n) * 2
		there += get(k)
		not += get(k + 1)
	}
	begun := time.Now()
	count := 0
	seq, failed := s.Scan(nil, nil)
	for range seq {
		count++
	}
	b.ReportMetric(float64(time.Since(begun).Nanoseconds())/float64(count), "scan-ns")
	b.ReportMetric(float64(there.Nanoseconds())/float64(b.N), "found-ns")
	b.ReportMetric(float64(not.Nanoseconds())/float64(b.N), "missing-ns")
	b.ReportMetric(float64(s.Stats().Bytes)/float64(count), "B/entry")
	if err := errors.Join(failed(), s.Close()); err != nil {
		b.Fatal(err)
	}
}
