package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// puts are entries as the cells of a grouping are: a cell, a key group, a key of 8
// bytes and a value of 24.
type puts []uint64

func (puts) Drops() iter.Seq2[[]byte, []byte] { return func(func(a, b []byte) bool) {} }
func (puts) Gone() iter.Seq[[]byte]           { return func(func([]byte) bool) {} }
func (p puts) Puts() iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		var key [14]byte
		var value [24]byte
		for _, k := range p {
			binary.BigEndian.PutUint32(key[:], 1)
			binary.BigEndian.PutUint16(key[4:], uint16(k%128))
			binary.BigEndian.PutUint64(key[6:], k)
			binary.LittleEndian.PutUint64(value[:], k)
			if !yield(key[:], value[:]) {
				return
			}
		}
	}
}

// BenchmarkCommit makes checkpoints of random keys, four tasks' changes each, and
// prints the time of Apply and Commit as a multiple of what a batch through the
// memtable, a flush and a checkpoint of Pebble take: less than 1 is faster.
func BenchmarkCommit(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, err := Open(vfs.Default, b.TempDir(), Options{KeyGroups: 128, Logger: quiet})
			if err != nil {
				b.Fatal(err)
			}
			dir := b.TempDir()
			db, err := pebble.Open(dir+"/live", &pebble.Options{DisableWAL: true, MemTableSize: fullSize, Logger: pebbleLog{&live{log: quiet}}})
			if err != nil {
				b.Fatal(err)
			}
			var apply, commit, raw time.Duration
			r := rand.New(rand.NewPCG(1, uint64(n)))
			for i := 0; b.Loop(); i++ {
				var tasks [4]puts
				for j := range n {
					tasks[j%4] = append(tasks[j%4], r.Uint64N(10_000_000))
				}
				begin := time.Now()
				for _, t := range tasks {
					err = errors.Join(err, s.Apply(t))
				}
				applied := time.Now()
				err = errors.Join(err, s.Commit(&Manifest{ID: s.NextID()}))
				committed := time.Now()
				for _, t := range tasks {
					for some := range slices.Chunk(t, 1000) { // larger ones are not taken into the memtable
						batch := db.NewBatch()
						for k, v := range some.Puts() {
							err = errors.Join(err, batch.Set(k, v, nil))
						}
						err = errors.Join(err, batch.Commit(pebble.NoSync))
					}
				}
				err = errors.Join(err, db.Flush(), db.Checkpoint(fmt.Sprintf("%s/%d", dir, i)))
				raw += time.Since(committed)
				apply, commit = apply+applied.Sub(begin), commit+committed.Sub(applied)
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(apply.Microseconds())/1000/float64(b.N), "apply-ms")
			b.ReportMetric(float64(commit.Microseconds())/1000/float64(b.N), "commit-ms")
			b.ReportMetric(float64(raw.Microseconds())/1000/float64(b.N), "memtable-ms")
			b.ReportMetric(float64(apply+commit)/float64(raw), "of-memtable")
			if err := errors.Join(s.Close(), db.Close()); err != nil {
				b.Fatal(err)
			}
		})
	}
}
