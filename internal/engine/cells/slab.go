package cells

// Values is what an operator keeps of the entries of an index, by their numbers.
type Values interface {
	// New makes room for an entry, of which nothing is kept yet.
	New(i Entry)
	// Free lets go of what is kept of an entry.
	Free(i Entry)
	// Clear lets go of all, and keeps its room if keep is set.
	Clear(keep bool)
}

// A Slab keeps an A for each number. It is [Values] where the numbers are those of
// entries; an operator may also number As as it likes.
type Slab[A any] struct {
	at []A
	f  *Fold[A]
}

// A Fold is what a grouping does with accumulators. The functions may be user code.
type Fold[A any] struct {
	// Init makes into an accumulator of nothing.
	Init func(into *A)
	// Merge folds from into into, and leaves from as it is.
	Merge func(into, from *A)
}

// Folds is a [Slab] to those who do not know the type of its accumulators.
type Folds interface {
	Values
	// Like is another slab of such accumulators, without any.
	Like() Folds
	// Value points to what is kept under a number.
	Value(i Entry) any
	// Start makes what is kept under a number an accumulator of nothing.
	Start(i Entry)
	Merge(into, from Entry)
}

// NewSlab makes a slab of accumulators. F is nil where they are neither started nor
// merged.
func NewSlab[A any](f *Fold[A]) *Slab[A] { return &Slab[A]{f: f} }

// At points to what is kept under a number, until the next New.
func (s *Slab[A]) At(i Entry) *A { return &s.at[i] }

// New implements [Values].
func (s *Slab[A]) New(i Entry) {
	var zero A
	if int(i) < len(s.at) {
		s.at[i] = zero
		return
	}
	s.at = append(s.at, zero)
}

// Free implements [Values].
func (s *Slab[A]) Free(i Entry) {
	var zero A
	s.at[i] = zero
}

// Like implements [Folds], as do the next.
func (s *Slab[A]) Like() Folds { return &Slab[A]{f: s.f} }

// Value implements [Folds].
func (s *Slab[A]) Value(i Entry) any { return &s.at[i] }

// Start implements [Folds].
func (s *Slab[A]) Start(i Entry) { s.f.Init(&s.at[i]) }

// Merge implements [Folds].
func (s *Slab[A]) Merge(into, from Entry) { s.f.Merge(&s.at[into], &s.at[from]) }

// Clear implements [Values].
func (s *Slab[A]) Clear(keep bool) {
	if keep {
		clear(s.at)
		s.at = s.at[:0]
		return
	}
	s.at = nil
}
