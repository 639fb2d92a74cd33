package state_test

import (
	"cmp"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
)

const hour = time.Hour

// sums is a Combiner that knows nothing of package transforms.
type sums struct{}

func (sums) New() int           { return 0 }
func (sums) Add(a, v int) int   { return a + v }
func (sums) Merge(a, b int) int { return a + b }
func (sums) Result(a int) int   { return a }

// A dated is what a plain model of a cell keeps: a value and when it expires.
type dated[T any] struct {
	at, expires model.Timestamp // at is of an ordered list
	v           T
}

// A run is a cell in a random run of writes, reads, passing time and evictions.
type run struct {
	*rapid.T
	host  *host
	clock state.Clock
	ttl   model.Timestamp // 0 is none
}

// expires is when what is written now is gone.
func (r *run) expires() model.Timestamp {
	if r.ttl == 0 {
		return model.MaxTimestamp + 1
	}
	return r.host.clocks[r.clock] + r.ttl
}

func (r *run) gone(expires model.Timestamp) bool { return expires <= r.host.clocks[r.clock] }

func (r *run) small(label string) int { return rapid.IntRange(0, 12).Draw(r.T, label) }

func left[T any](r *run, all []dated[T]) []dated[T] {
	return slices.DeleteFunc(all, func(d dated[T]) bool { return r.gone(d.expires) })
}

func values[T any](all []dated[T]) (out []T) {
	for _, d := range all {
		out = append(out, d.v)
	}
	return out
}

func (r *run) equal(what string, got, want any) {
	if g, ok := got.([]int); ok && len(g) == 0 && len(want.([]int)) == 0 {
		return
	}
	if !equal(got, want) {
		r.Fatalf("%s: %v, want %v", what, got, want)
	}
}

func equal(a, b any) bool {
	switch a := a.(type) {
	case []int:
		return slices.Equal(a, b.([]int))
	case map[int]int:
		return maps.Equal(a, b.(map[int]int))
	}
	return a == b
}

// check runs a cell against a plain model of it. Make declares the cell; actions
// returns what may be done with it, and "" to compare it with the model.
func check[C state.Cell](t *testing.T, make func(...state.Option) C, actions func(r *run, c C) map[string]func(*rapid.T)) {
	rapid.Check(t, func(rt *rapid.T) {
		r := &run{T: rt}
		var opts []state.Option
		switch ttl := rapid.IntRange(0, 20).Draw(rt, "ttl"); rapid.IntRange(0, 2).Draw(rt, "expires by") {
		case 1:
			r.ttl = model.Timestamp(ttl + 1)
			opts = append(opts, state.ExpireAfterEventTime(time.Duration(r.ttl)*time.Microsecond))
		case 2:
			r.ttl, r.clock = model.Timestamp(ttl+1), state.ProcessingTime
			opts = append(opts, state.ExpireAfterProcessingTime(time.Duration(r.ttl)*time.Microsecond))
		}
		c := make(opts...)
		r.host = newHost(rt, c)
		all := actions(r, c)
		all["pass time"] = func(t *rapid.T) {
			r.host.clocks[r.clock] += model.Timestamp(rapid.IntRange(0, 10).Draw(t, "ticks"))
		}
		all["sweep"] = func(*rapid.T) { r.host.sweep() }
		all["evict"] = func(*rapid.T) { r.host.evict(r.T) }
		rt.Repeat(all)
		if err := r.host.End(); err != nil {
			rt.Fatal(err)
		}
	})
}

func TestValueIsAVariable(t *testing.T) {
	check(t, func(o ...state.Option) state.Value[int] { return state.NewValue[int]("v", o...) }, func(r *run, c state.Value[int]) map[string]func(*rapid.T) {
		var m []dated[int]
		return map[string]func(*rapid.T){
			"set": func(*rapid.T) {
				v := r.small("value")
				c.Set(r.host, v)
				m = []dated[int]{{v: v, expires: r.expires()}}
			},
			"clear": func(*rapid.T) { c.Clear(r.host); m = nil },
			"": func(*rapid.T) {
				m = left(r, m)
				v, ok := c.Lookup(r.host)
				r.equal("there", ok, len(m) == 1)
				if ok {
					r.equal("value", v, m[0].v)
				}
				r.equal("get", c.Get(r.host), v)
			},
		}
	})
}

func TestCombiningIsAFold(t *testing.T) {
	check(t, func(o ...state.Option) state.Combining[int, int, int] {
		return state.NewCombining("c", sums{}, o...)
	}, func(r *run, c state.Combining[int, int, int]) map[string]func(*rapid.T) {
		var m []dated[int]
		return map[string]func(*rapid.T){
			"add": func(*rapid.T) {
				v := r.small("value")
				c.Add(r.host, v)
				if m = left(r, m); len(m) == 1 {
					v += m[0].v
				}
				m = []dated[int]{{v: v, expires: r.expires()}}
			},
			"clear": func(*rapid.T) { c.Clear(r.host); m = nil },
			"": func(*rapid.T) {
				m = left(r, m)
				v, ok := c.Lookup(r.host)
				r.equal("there", ok, len(m) == 1)
				if ok {
					r.equal("result", v, m[0].v)
				}
				r.equal("get", c.Get(r.host), v)
			},
		}
	})
}

func TestBagIsASlice(t *testing.T) {
	check(t, func(o ...state.Option) state.Bag[int] { return state.NewBag[int]("b", o...) }, func(r *run, c state.Bag[int]) map[string]func(*rapid.T) {
		var m []dated[int]
		return map[string]func(*rapid.T){
			"add": func(*rapid.T) {
				v := r.small("value")
				c.Add(r.host, v)
				m = append(m, dated[int]{v: v, expires: r.expires()})
			},
			"add while reading": func(*rapid.T) {
				var read []int
				m = left(r, m)
				for v := range c.All(r.host) {
					read = append(read, v)
					c.Add(r.host, v)
				}
				r.equal("read", read, values(m))
				for _, v := range read {
					m = append(m, dated[int]{v: v, expires: r.expires()})
				}
				if len(m) > 50 {
					c.Clear(r.host)
					m = nil
				}
			},
			"clear": func(*rapid.T) { c.Clear(r.host); m = nil },
			"": func(*rapid.T) {
				m = left(r, m)
				r.equal("values", slices.Collect(c.All(r.host)), values(m))
				r.equal("length", c.Len(r.host), len(m))
			},
		}
	})
}

// A dict is a map that remembers the order of its keys.
type dict struct {
	keys []int
	m    map[int]dated[int]
}

func (d *dict) put(r *run, k, v int) (fresh bool) {
	if old, ok := d.m[k]; !ok || r.gone(old.expires) {
		d.remove(k)
		d.keys = append(d.keys, k)
		fresh = true
	}
	d.m[k] = dated[int]{v: v, expires: r.expires()}
	return fresh
}

func (d *dict) remove(k int) {
	delete(d.m, k)
	d.keys = slices.DeleteFunc(d.keys, func(o int) bool { return o == k })
}

func (d *dict) expire(r *run) {
	for k, e := range maps.Clone(d.m) {
		if r.gone(e.expires) {
			d.remove(k)
		}
	}
}

func (d *dict) plain() map[int]int {
	out := map[int]int{}
	for k, e := range d.m {
		out[k] = e.v
	}
	return out
}

func (r *run) key() int { return rapid.IntRange(0, 40).Draw(r.T, "key") }

func TestMapIsAMap(t *testing.T) {
	check(t, func(o ...state.Option) state.Map[int, int] { return state.NewMap[int, int]("m", o...) }, func(r *run, c state.Map[int, int]) map[string]func(*rapid.T) {
		m := &dict{m: map[int]dated[int]{}}
		return map[string]func(*rapid.T){
			"put": func(*rapid.T) {
				for range 1 + r.small("times") {
					k, v := r.key(), r.small("value")
					c.Put(r.host, k, v)
					m.put(r, k, v)
				}
			},
			"remove": func(*rapid.T) {
				k := r.key()
				c.Remove(r.host, k)
				m.remove(k)
			},
			"change while reading": func(*rapid.T) {
				m.expire(r)
				before := slices.Clone(m.keys)
				var read []int
				odd := r.small("parity") % 2
				for k, v := range c.All(r.host) {
					r.equal("value", v, m.m[k].v)
					read = append(read, k)
					if k%2 == odd {
						c.Remove(r.host, k)
						m.remove(k)
						c.Put(r.host, k+1, v)
						m.put(r, k+1, v)
					}
				}
				met := slices.DeleteFunc(before, func(k int) bool { return !slices.Contains(read, k) })
				r.equal("read", read, met)
			},
			"clear while reading": func(*rapid.T) {
				for range c.All(r.host) {
					c.Clear(r.host)
				}
				*m = dict{m: map[int]dated[int]{}}
			},
			"clear": func(*rapid.T) { c.Clear(r.host); *m = dict{m: map[int]dated[int]{}} },
			"": func(*rapid.T) {
				m.expire(r)
				var keys []int
				for k := range c.All(r.host) {
					keys = append(keys, k)
				}
				r.equal("keys", keys, m.keys)
				r.equal("entries", maps.Collect(c.All(r.host)), m.plain())
				r.equal("length", c.Len(r.host), len(m.keys))
				k := r.key()
				v, ok := c.Lookup(r.host, k)
				e, there := m.m[k]
				r.equal("there", ok, there)
				r.equal("value", v, e.v)
				r.equal("get", c.Get(r.host, k), e.v)
			},
		}
	})
}

func TestSetIsASet(t *testing.T) {
	check(t, func(o ...state.Option) state.Set[int] { return state.NewSet[int]("s", o...) }, func(r *run, c state.Set[int]) map[string]func(*rapid.T) {
		m := &dict{m: map[int]dated[int]{}}
		return map[string]func(*rapid.T){
			"add": func(*rapid.T) {
				k := r.key()
				r.equal("new", c.Add(r.host, k), m.put(r, k, 0))
			},
			"remove": func(*rapid.T) {
				k := r.key()
				m.expire(r)
				_, there := m.m[k]
				r.equal("removed", c.Remove(r.host, k), there)
				m.remove(k)
			},
			"clear": func(*rapid.T) { c.Clear(r.host); *m = dict{m: map[int]dated[int]{}} },
			"": func(*rapid.T) {
				m.expire(r)
				r.equal("values", slices.Collect(c.All(r.host)), m.keys)
				r.equal("length", c.Len(r.host), len(m.keys))
				k := r.key()
				_, there := m.m[k]
				r.equal("there", c.Has(r.host, k), there)
			},
		}
	})
}

func TestMultimapIsAMapOfSlices(t *testing.T) {
	check(t, func(o ...state.Option) state.Multimap[int, int] { return state.NewMultimap[int, int]("m", o...) }, func(r *run, c state.Multimap[int, int]) map[string]func(*rapid.T) {
		m := map[int][]dated[int]{}
		return map[string]func(*rapid.T){
			"add": func(*rapid.T) {
				k, v := r.key(), r.small("value")
				c.Add(r.host, k, v)
				m[k] = append(m[k], dated[int]{v: v, expires: r.expires()})
			},
			"remove": func(*rapid.T) {
				k := r.key()
				c.Remove(r.host, k)
				delete(m, k)
			},
			"clear": func(*rapid.T) { c.Clear(r.host); clear(m) },
			"": func(*rapid.T) {
				for k := range m {
					if m[k] = left(r, m[k]); len(m[k]) == 0 {
						delete(m, k)
					}
				}
				r.equal("keys", slices.Sorted(c.Keys(r.host)), slices.Sorted(maps.Keys(m)))
				got := map[int][]int{}
				for k, v := range c.All(r.host) {
					got[k] = append(got[k], v)
				}
				r.equal("entries", len(got), len(m))
				for k := range m {
					r.equal("values", got[k], values(m[k]))
					r.equal("values of a key", slices.Collect(c.Values(r.host, k)), values(m[k]))
				}
				k := r.key()
				r.equal("there", c.Has(r.host, k), len(m[k]) > 0)
			},
		}
	})
}

func TestOrderedListIsASortedSlice(t *testing.T) {
	check(t, func(o ...state.Option) state.OrderedList[int] { return state.NewOrderedList[int]("l", o...) }, func(r *run, c state.OrderedList[int]) map[string]func(*rapid.T) {
		var m []dated[int]
		add := func() {
			at, v := model.Timestamp(r.small("at")), r.small("value")
			c.Add(r.host, at, v)
			expires := r.expires()
			if r.ttl > 0 && r.clock == state.EventTime {
				expires = at + r.ttl
			}
			m = append(m, dated[int]{at, expires, v})
			slices.SortStableFunc(m, func(a, b dated[int]) int { return cmp.Compare(a.at, b.at) })
		}
		span := func() (from, to model.Timestamp) {
			return model.Timestamp(r.small("from")), model.Timestamp(r.small("to"))
		}
		in := func(from, to model.Timestamp) []dated[int] {
			return slices.DeleteFunc(slices.Clone(m), func(d dated[int]) bool { return d.at < from || d.at >= to })
		}
		clearRange := func() {
			from, to := span()
			c.ClearRange(r.host, from, to)
			m = slices.DeleteFunc(m, func(d dated[int]) bool { return d.at >= from && d.at < to })
		}
		return map[string]func(*rapid.T){
			"add":         func(*rapid.T) { add() },
			"clear range": func(*rapid.T) { clearRange() },
			"clear":       func(*rapid.T) { c.Clear(r.host); m = nil },
			"change while reading": func(*rapid.T) {
				m = left(r, m)
				from, to := span()
				want := values(in(from, to))
				var read []int
				for _, v := range c.Range(r.host, from, to) {
					read = append(read, v)
					if len(read) < 4 {
						add()
						clearRange()
					}
				}
				r.equal("read", read, want)
			},
			"": func(*rapid.T) {
				m = left(r, m)
				var got []int
				var last model.Timestamp
				for at, v := range c.All(r.host) {
					got = append(got, v)
					if at < last {
						r.Fatalf("%v comes after %v", at, last)
					}
					last = at
				}
				r.equal("values", got, values(m))
				r.equal("length", c.Len(r.host), len(m))
				from, to := span()
				got = nil
				for _, v := range c.Range(r.host, from, to) {
					got = append(got, v)
				}
				r.equal("range", got, values(in(from, to)))
			},
		}
	})
}
