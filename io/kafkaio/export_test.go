package kafkaio

import "github.com/millrace/millrace/model/source"

// Buffered is how many bytes are fetched of src and not read yet.
func Buffered(src source.Source[Record]) (n int64) {
	s := src.(*records)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.fetchers {
		f.mu.Lock()
		n += f.buffered
		f.mu.Unlock()
	}
	return n
}
