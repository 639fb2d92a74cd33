package shipping

import (
	"context"
	"errors"
)

// collect removes what is not retained, and nothing of what was just shipped.
func (s *Shipper) collect(ctx context.Context, shipped *listed) (removing, err error) {
	names, err := s.lists(ctx)
	if err != nil {
		return err, nil
	}
	kept, old, removing := s.retained(ctx, names, shipped)
	if removing != nil {
		return removing, nil
	}
	sizes, err := s.prefix.objects(ctx)
	if err != nil {
		return err, nil
	}
	if err := shipped.whole(sizes); err != nil {
		// Somebody, or a rule of the bucket, removes objects. The next Ship ships them again.
		s.objects = map[string]string{}
		return nil, err
	}
	claims, removing := s.lowerClaims(ctx)
	if removing != nil {
		return removing, nil
	}
	// From here on, what another might rely on is not in any of the lists.
	if err := s.owns(ctx); err != nil {
		return err, nil
	}
	named := map[string]bool{}
	for _, l := range kept {
		for _, f := range l.Files {
			named[f.Object] = true
		}
	}
	s.objects = map[string]string{}
	for _, f := range shipped.Files {
		s.objects[f.Sum] = f.Object
	}
	var gone []string
	for name := range sizes {
		if !named[name] {
			gone = append(gone, name)
		}
	}
	return errors.Join(s.remove(ctx, old), s.remove(ctx, gone), s.remove(ctx, claims)), nil
}

// retained reads the lists, and parts those that are kept from those that are old.
func (s *Shipper) retained(ctx context.Context, names []string, shipped *listed) (kept []*listed, old []string, err error) {
	room := s.o.Retain
	for _, name := range names {
		l := shipped
		if name != shipped.name() {
			var damage damaged
			if l, err = s.list(ctx, name); errors.As(err, &damage) {
				old = append(old, name)
				continue
			}
			if err != nil {
				return nil, nil, err
			}
		}
		switch {
		case l.Savepoint != "":
		case room > 0:
			room--
		case l != shipped:
			old = append(old, name)
			continue
		}
		kept = append(kept, l)
	}
	return kept, old, nil
}

func (s *Shipper) lowerClaims(ctx context.Context) (names []string, err error) {
	for o, err := range s.List(ctx, claimsPrefix) {
		if err != nil {
			return nil, err
		}
		if m := claimPattern.FindStringSubmatch(o.Name); m != nil && number(m[1]) < s.claim {
			names = append(names, o.Name)
		}
	}
	return names, nil
}

// remove removes objects one after the other, up to the first that cannot be.
func (s *Shipper) remove(ctx context.Context, names []string) error {
	for _, name := range names {
		if err := s.Delete(ctx, name); err != nil {
			return err
		}
	}
	return nil
}
