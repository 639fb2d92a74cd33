package engine_test

import (
	"fmt"
	"slices"
)

// Under retracting panes, each pane of a key and window is taken back before there
// is another. What was said and never taken back is what is claimed in the end.

// A claim is a pane that may be taken back.
type claim struct {
	cell
	index int64
}

// withoutRetractions leaves the retractions out of what came out, and checks that
// each takes back what stands.
func withoutRetractions(out []output) (panes []output, err error) {
	standing := map[claim][]int{}
	for _, o := range out {
		c := claim{cell{o.key, o.meta.Window}, o.meta.Pane.Index}
		values, stands := standing[c]
		switch {
		case !o.meta.Pane.Retraction:
			standing[c] = o.values
			panes = append(panes, o)
		case !stands || !slices.Equal(values, o.values):
			return nil, fmt.Errorf("%+v takes back what does not stand: %v", o, values)
		default:
			delete(standing, c)
		}
	}
	return panes, nil
}

// standing are the values of the panes of out that were never taken back, by
// cell.
func standing(out []output) map[cell]map[int]int {
	claims := map[cell]map[int]int{}
	for _, o := range out {
		at := cell{o.key, o.meta.Window}
		delete(claims, at)
		if !o.meta.Pane.Retraction {
			claims[at] = map[int]int{}
			for _, v := range o.values {
				claims[at][v]++
			}
		}
	}
	return claims
}

// nothingLate checks a grouping whose windows go by the timestamps of the first
// one's panes: if nothing was late in the first, nothing is in the second.
func (c testCase) nothingLate(h *harness) error {
	counts := c.counts(h)
	if !c.late() && counts.Late+counts.Dropped > 0 {
		return fmt.Errorf("nothing is late, but %+v was counted", counts)
	}
	return nil
}
