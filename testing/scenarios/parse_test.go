package scenarios_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/model"
)

// A scenario is a story, read.
type scenario struct {
	bounded   bool
	groupings []grouping // one or two
	steps     []step
}

// A grouping is how elements are grouped, and under which keys.
type grouping struct {
	strategy  model.WindowingStrategy
	transform string
	keys      string // of the second, or that it is of what the first dropped
}

var transformNames = []string{"group", "sum", "count", "max", "join", "left-join", "cogroup"}

// joins reports whether g groups two collections.
func (g grouping) joins() bool {
	return g.transform == "join" || g.transform == "left-join" || g.transform == "cogroup"
}

// A step is a line of the story.
type step struct {
	text     string
	verb     string
	input    string // "" is the only one, or all
	at       model.Timestamp
	elapse   time.Duration
	elements []text
}

// inputs are the names of those that the story has.
func (s *scenario) inputs() []string {
	for _, st := range s.steps {
		if st.input != "" {
			return []string{"left", "right"}
		}
	}
	return []string{""}
}

// parse reads a story.
func parse(text string) (*scenario, error) {
	s := &scenario{groupings: []grouping{{transform: "group"}}}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		verb, rest, _ := strings.Cut(line, " ")
		err := s.setting(verb, rest)
		if errors.Is(err, errNoSetting) {
			err = s.step(line, verb, rest)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", line, err)
		}
	}
	return s, s.check()
}

// check is what is wrong with a story as a whole.
func (s *scenario) check() error {
	two := len(s.inputs()) == 2
	for _, st := range s.steps {
		if st.verb == "add" && st.input == "" && two {
			return fmt.Errorf("%s: it is left's or right's, since there are two inputs", st.text)
		}
	}
	if slices.ContainsFunc(s.groupings, grouping.joins) && !two {
		return errors.New("a join has two inputs: add left, or add right")
	}
	return nil
}

var errNoSetting = errors.New("this is neither a setting nor a step")

// setting reads a line that says how elements are grouped.
func (s *scenario) setting(verb, rest string) (err error) {
	if verb == "then" {
		s.groupings = append(s.groupings, grouping{transform: "group", keys: rest})
		if len(s.groupings) > 2 || !slices.Contains([]string{"together", "by-key", "by-value", "dropped"}, rest) {
			return errors.New("a second grouping is together, by-key, by-value or dropped, and there is no third")
		}
		return nil
	}
	g := &s.groupings[len(s.groupings)-1]
	switch verb {
	case "bounded":
		s.bounded = true
	case "transform":
		if g.transform = rest; !slices.Contains(transformNames, rest) {
			return fmt.Errorf("there is no transform %q", rest)
		}
	case "window":
		g.strategy.Windows, err = parseWindows(rest)
	default:
		return g.strategize(verb, rest)
	}
	return err
}

// strategize reads a line of a grouping's strategy.
func (g *grouping) strategize(verb, rest string) (err error) {
	windows := g.strategy.Windows
	switch verb {
	case "trigger":
		g.strategy.Trigger, err = parseTrigger(rest)
	case "lateness":
		g.strategy.Lateness, err = time.ParseDuration(rest)
	case "panes":
		g.strategy.Panes, err = oneOf(rest, model.Discarding, model.Accumulating, model.Retracting)
	case "timestamps":
		g.strategy.Timestamps, err = oneOf(rest, model.EndOfWindow, model.Earliest, model.Latest)
	case "on-time", "closing":
		if rest != "always" {
			return errors.New("it can be always, or left out")
		}
		if verb == "closing" {
			g.strategy.Closing = model.FireAlways
		} else {
			g.strategy.OnTime = model.FireAlways
		}
	case "may-finish":
		g.strategy.MayFinish = true
	default:
		return errNoSetting
	}
	if windows == nil {
		return errors.New("say the window first")
	}
	return err
}

// oneOf is the value that prints as s.
func oneOf[T fmt.Stringer](s string, values ...T) (none T, err error) {
	for _, v := range values {
		if v.String() == s {
			return v, nil
		}
	}
	return none, fmt.Errorf("%q is none of %v", s, values)
}

// step reads a line that says what happens.
func (s *scenario) step(line, verb, rest string) (err error) {
	st := step{text: line, verb: verb}
	words := strings.Fields(rest)
	if len(words) > 0 && (words[0] == "left" || words[0] == "right") {
		st.input, words = words[0], words[1:]
	}
	if len(words) > 0 {
		st.elapse, err = time.ParseDuration(words[0])
		st.at, words = model.Timestamp(0).Add(st.elapse), words[1:]
	} else if verb != "end" {
		err = errors.New("it needs a time")
	}
	switch verb {
	case "add":
		if len(words) == 0 && err == nil {
			return errors.New("it adds nothing")
		}
		for _, word := range words {
			e := text{Value: word}
			if key, value, found := strings.Cut(word, ":"); found {
				e.Key, e.Value = key, value
			}
			st.elements = append(st.elements, e)
		}
	case "watermark", "advance", "end":
		if len(words) > 0 {
			return fmt.Errorf("%q is too much", strings.Join(words, " "))
		}
	default:
		return errNoSetting
	}
	s.steps = append(s.steps, st)
	return err
}
