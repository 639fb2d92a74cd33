package reference

import (
	"fmt"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/triggers"
)

// This file says what triggers do. A trigger is asked about a story, of which it
// reads arrivals, firings and what was merged. A part of a composite is asked about
// the part of the story that concerns it: for one that was started over, what came
// since; for one whose turn came late, what came after that.

// ready reports whether t fires, after s, at h.
func ready(t model.Trigger, s story, h happening) bool {
	switch t := t.(type) {
	case triggers.Default:
		return !h.onTime()
	case triggers.Never:
		return false
	case triggers.Always:
		return true
	case triggers.AfterCount:
		return !finished(t, s) && int64(len(counting(t, s))) >= t.N
	case triggers.AfterProcessingTime, triggers.AfterSynchronizedProcessingTime:
		for _, e := range counting(t, s) {
			if !finished(t, s) && deadline(t, e.now) <= h.now {
				return true
			}
		}
		return false
	case triggers.Repeatedly:
		return ready(t.Trigger, sinceStart(t.Trigger, s), h)
	case triggers.AfterWatermark:
		past, active := phase(t, s)
		part := t.Early
		if past {
			part = t.Late
		}
		return !past && !h.onTime() || part != nil && ready(part, active, h)
	case triggers.AfterAll:
		for _, part := range t {
			if !ready(part, living(t, s), h) {
				return false
			}
		}
		return !finished(t, s)
	case triggers.AfterAny:
		for _, part := range t {
			if !finished(t, s) && ready(part, living(t, s), h) {
				return true
			}
		}
		return false
	case triggers.AfterEach:
		turn, own := course(t, s)
		return turn < len(t) && ready(t[turn], own, h)
	case triggers.OrFinally:
		return !finished(t, s) && (ready(t.Main, living(t, s), h) || ready(t.Until, unfired(living(t, s)), h))
	}
	panic(fmt.Sprintf("reference: no definition of %T", t))
}

// finished reports whether t will never fire again.
func finished(t model.Trigger, s story) bool {
	switch t := t.(type) {
	case triggers.Default, triggers.Never, triggers.Always, triggers.Repeatedly:
		return false
	case triggers.AfterWatermark:
		past, _ := phase(t, s)
		return past && t.Late == nil
	case triggers.AfterEach:
		turn, _ := course(t, s)
		return turn == len(t)
	}
	for i, h := range s {
		if h.what == merged && allFinished(t, h.parts) || h.what == fired && stops(t, s[:i+1]) {
			return true
		}
	}
	return false
}

// stops reports whether the firing at the end of s was t's last.
func stops(t model.Trigger, s story) bool {
	switch t := t.(type) {
	case triggers.AfterCount, triggers.AfterProcessingTime, triggers.AfterSynchronizedProcessingTime, triggers.AfterAll, triggers.AfterAny:
		return true
	case triggers.OrFinally:
		end := len(s) - 1
		return ready(t.Until, unfired(living(t, s[:end])), s[end]) || stops(t.Main, living(t, s))
	}
	return finished(t, s)
}

// allFinished reports whether t had finished in all of parts, of which there are
// some: then it has in what they became.
func allFinished(t model.Trigger, parts []story) bool {
	for _, p := range parts {
		if !finished(t, p) {
			return false
		}
	}
	return len(parts) > 0
}

// living is s without those merged windows in which t had finished: what had been
// going on there is over.
func living(t model.Trigger, s story) story {
	return eachPart(s, func(p story) (story, bool) { return living(t, p), !finished(t, p) })
}

// eachPart is s with f done to the stories that were merged into it; those of which
// f says no are left out.
func eachPart(s story, f func(story) (story, bool)) (out story) {
	for _, h := range s {
		if h.what == merged {
			var parts []story
			for _, p := range h.parts {
				if q, keep := f(p); keep {
					parts = append(parts, q)
				}
			}
			h.parts = parts
		}
		out = append(out, h)
	}
	return out
}

// unfired is s without its firings.
func unfired(s story) (out story) {
	for _, h := range eachPart(s, func(p story) (story, bool) { return unfired(p), true }) {
		if h.what != fired {
			out = append(out, h)
		}
	}
	return out
}

// counting are the arrivals that matter to t, which fires but once.
func counting(t model.Trigger, s story) (list []happening) {
	for _, h := range living(t, s) {
		switch h.what {
		case merged:
			for _, p := range h.parts {
				list = append(list, counting(t, p)...)
			}
		case arrived:
			list = append(list, h)
		}
	}
	return list
}

// deadline is when t fires if its first element came at now.
func deadline(t model.Trigger, now model.Timestamp) model.Timestamp {
	p, ok := t.(triggers.AfterProcessingTime)
	if !ok {
		return now + 1
	}
	now += us(p.Delay)
	for p.Align > 0 && now%us(p.Align) != 0 {
		now++
	}
	return now
}

// sinceStart is what happened since t, which is started over whenever it finishes,
// was last started.
func sinceStart(t model.Trigger, s story) (out story) {
	for _, h := range eachPart(s, func(p story) (story, bool) { return sinceStart(t, p), true }) {
		out = append(out, h)
		if h.what == fired && stops(t, out) {
			out = nil
		}
	}
	return out
}

// phase reports whether t's on-time pane is past, and what has happened to the part
// that is active since it was last started.
func phase(t triggers.AfterWatermark, s story) (past bool, active story) {
	for _, h := range s {
		switch {
		case h.what == merged:
			var early, late []story
			for _, p := range h.parts {
				if past, own := phase(t, p); past {
					late = append(late, own)
				} else {
					early = append(early, own)
				}
			}
			past = len(late) > 0 && !h.onTime()
			if h.parts = early; past {
				h.parts = late
			}
			active = append(active, h)
		case h.what == grew && past && h.onTime(): // past the watermark: it is early again
			past, active = false, nil
		case h.what == fired && !past && !h.onTime():
			past, active = true, nil
		default:
			active = append(active, h)
			if part := t.Early; h.what == fired {
				if past {
					part = t.Late
				}
				if stops(part, active) {
					active = nil
				}
			}
		}
	}
	return past, active
}

// course is which of t's parts has its turn, and what has happened since it came.
// Of merged windows, those that are furthest back count.
func course(t triggers.AfterEach, s story) (turn int, own story) {
	for _, h := range s {
		if h.what == merged {
			turn = len(t)
			var back []story
			for _, p := range h.parts {
				switch at, part := course(t, p); {
				case at < turn:
					turn, back = at, []story{part}
				case at == turn:
					back = append(back, part)
				}
			}
			if len(h.parts) == 0 {
				turn = 0
			}
			h.parts = back
		}
		if turn == len(t) {
			return turn, nil
		}
		own = append(own, h)
		if h.what == fired && stops(t[turn], own) {
			turn, own = turn+1, nil
		}
	}
	return turn, own
}

// asks are the processing times at which t, after s, is to be asked again: those for
// which a part that has a say waits.
func asks(t model.Trigger, s story, h happening) (at []model.Timestamp) {
	switch t := t.(type) {
	case triggers.AfterProcessingTime, triggers.AfterSynchronizedProcessingTime:
		for _, e := range counting(t, s) {
			at = append(at, deadline(t, e.now))
		}
		return at
	case triggers.Repeatedly:
		return asks(t.Trigger, sinceStart(t.Trigger, s), h)
	case triggers.AfterWatermark:
		switch past, active := phase(t, s); {
		case past && t.Late != nil:
			return asks(t.Late, active, h)
		case !past && h.onTime() && t.Early != nil:
			return asks(t.Early, active, h)
		}
	case triggers.OrFinally:
		return append(asks(t.Main, living(t, s), h), asks(t.Until, unfired(living(t, s)), h)...)
	case triggers.AfterAll:
		return asksOf(t, living(t, s), h)
	case triggers.AfterAny:
		return asksOf(t, living(t, s), h)
	case triggers.AfterEach:
		if turn, own := course(t, s); turn < len(t) {
			return asks(t[turn], own, h)
		}
	}
	return nil
}

func asksOf(parts []model.Trigger, s story, h happening) (at []model.Timestamp) {
	for _, t := range parts {
		at = append(at, asks(t, s, h)...)
	}
	return at
}
