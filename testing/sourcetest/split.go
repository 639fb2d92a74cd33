package sourcetest

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// fractions are those at which splits are cut.
var fractions = []float64{0, 0.25, 0.5, 0.75, 0.999}

// A place is a position that a reader had, and what it said there.
type place struct {
	split     source.Split
	read      int
	watermark model.Timestamp
}

// split checks that reading a split goes on from each position, and can be cut at
// each.
func (c *checker[T]) split(s source.Split) error {
	r, err := c.open(s)
	if err != nil {
		return err
	}
	places := []place{{r.Position(), 0, r.watermark}}
	for !r.ended && !r.dry {
		if err := r.upTo(len(r.read) + 1); err != nil {
			return err
		}
		places = append(places, place{r.Position(), len(r.read), r.watermark})
	}
	if err := r.close(); err != nil {
		return err
	}
	if err := c.readWithNothing(s); err != nil {
		return err
	}
	for _, p := range places { // after all were taken, so that none changes behind its back
		if err := c.resume(p, r.read); err != nil {
			return fmt.Errorf("resumed after %d elements: %w", p.read, err)
		}
	}
	for _, p := range places {
		for _, f := range fractions {
			if err := c.cut(s, p.read, f, r.read); err != nil {
				return fmt.Errorf("cut at fraction %v after %d elements: %w", f, p.read, err)
			}
		}
	}
	return nil
}

// readWithNothing checks that a Read of no elements reads none.
func (c *checker[T]) readWithNothing(s source.Split) error {
	r, err := c.open(s)
	if err != nil {
		return err
	}
	if err := r.step(0); err != nil {
		return err
	}
	return r.close()
}

// resume checks a reader that is opened at p of a split that holds whole.
func (c *checker[T]) resume(p place, whole []element[T]) error {
	r, err := c.open(p.split)
	if err != nil {
		return err
	}
	if r.watermark != p.watermark {
		return fmt.Errorf("the watermark is %v, and was %v when the position was taken: what it is estimated by belongs to the position", r.watermark, p.watermark)
	}
	if err := r.rest(); err != nil {
		return err
	}
	if err := sameOrder(whole[p.read:], r.read); err != nil {
		return err
	}
	return r.close()
}

// cut checks a split that holds whole and is cut after n elements.
func (c *checker[T]) cut(s source.Split, n int, fraction float64, whole []element[T]) error {
	r, err := c.open(s)
	if err != nil {
		return err
	}
	if err := r.upTo(n); err != nil {
		return err
	}
	residual, ok, err := r.trySplit(fraction)
	if err != nil {
		return err
	}
	kept := r.Position()
	if err := r.rest(); err != nil {
		return fmt.Errorf("what is kept: %w", err)
	}
	got := slices.Clone(r.read)
	if ok {
		again, err := c.readAll(kept)
		if err != nil {
			return fmt.Errorf("what is kept, resumed: %w", err)
		}
		if err := sameOrder(r.read[n:], again); err != nil {
			return fmt.Errorf("what is kept, resumed: %w", err)
		}
		rest, err := c.open(residual)
		if err != nil {
			return fmt.Errorf("the residual: %w", err)
		}
		rest.watermark = max(rest.watermark, r.cutAt)
		if err := rest.restOfResidual(); err != nil {
			return fmt.Errorf("the residual: %w", err)
		}
		got = append(got, rest.read...)
		if err := rest.close(); err != nil {
			return fmt.Errorf("the residual: %w", err)
		}
	}
	if err := sameOrder(whole, got); err != nil {
		return fmt.Errorf("what is kept, and the residual behind it: %w", err)
	}
	return r.close()
}

// random reads all splits with readers that stop, resume and are cut at random.
func (c *checker[T]) random(splits []source.Split, want []T) error {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, uint64(len(splits))))
		got, err := c.randomly(splits, rng)
		if err == nil {
			err = sameElements(want, got)
		}
		if err != nil {
			return fmt.Errorf("cut and resumed at random (seed %d): %w", seed, err)
		}
	}
	return nil
}

func (c *checker[T]) randomly(splits []source.Split, rng *rand.Rand) (got []T, err error) {
	ids := map[string]bool{}
	for _, s := range splits {
		ids[s.ID] = true
	}
	waiting := slices.Clone(splits)
	for turn := 0; len(waiting) > 0; turn++ {
		if turn > 100*(c.most+len(splits)) || len(got) > 10*c.most {
			return got, fmt.Errorf("it does not come to an end: after %d turns, %d elements came and %d splits are left", turn, len(got), len(waiting))
		}
		i := rng.IntN(len(waiting))
		s := waiting[i]
		waiting = slices.Delete(waiting, i, i+1)
		r, err := c.open(s)
		if err != nil {
			return got, err
		}
		if err := r.upTo(rng.IntN(6)); err != nil {
			return got, err
		}
		if rng.IntN(2) == 0 {
			residual, ok, err := r.trySplit(rng.Float64())
			if err != nil {
				return got, err
			}
			if ok && ids[residual.ID] {
				return got, fmt.Errorf("the residual has the ID %q, as another split has or had", residual.ID)
			}
			if ok {
				ids[residual.ID] = true
				waiting = append(waiting, residual)
			}
		}
		for _, e := range r.read {
			got = append(got, e.Value)
		}
		if !r.ended && !r.dry {
			waiting = append(waiting, r.Position())
		}
		if err := r.close(); err != nil {
			return got, err
		}
	}
	return got, nil
}
