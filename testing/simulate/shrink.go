package simulate

import "slices"

// maxReplays bounds how long shrinking takes.
const maxReplays = 1000

// shrink leaves out of a schedule that fails whatever it fails without: whole lives,
// then single events; then it halves how many steps things last.
func (c *campaign) shrink(s schedule) schedule {
	replays := 0
	fails := func(s schedule) bool {
		replays++
		return replays <= maxReplays && c.play(s, nil, &tally{}) != nil
	}
	for smaller := true; smaller; {
		smaller = false
		try := func(t schedule) bool {
			if !fails(t) {
				return false
			}
			s, smaller = t, true
			return true
		}
		for life := s.lives() - 1; life >= 0; life-- {
			try(s.without(life))
		}
		for i := len(s) - 1; i >= 0; i-- {
			try(slices.Delete(slices.Clone(s), i, i+1))
		}
		for i := range s {
			for s[i].kind != doSetup && s[i].kind != doClock && s[i].a > 1 {
				t := slices.Clone(s)
				t[i].a /= 2
				if !try(t) {
					break
				}
			}
		}
	}
	return s
}

// without is s without one life; those after it come one earlier.
func (s schedule) without(life int) (rest schedule) {
	for _, e := range s {
		switch {
		case e.life == life:
			continue
		case e.life > life:
			e.life--
		}
		rest = append(rest, e)
	}
	return rest
}
