package coder

// How a value of which only the schema is known is passed over: the field of a
// struct that has been removed.

// skipper returns what passes over a stored value.
func (b *migrator) skipper(n *node) skipFunc {
	if known, ok := b.skips[n]; ok {
		return func(src []byte, depth int) ([]byte, error) {
			if depth >= maxDepth {
				return nil, errDepth
			}
			return (*known)(src, depth+1)
		}
	}
	skip := new(skipFunc)
	b.skips[n] = skip
	*skip = b.skipByKind(n)
	return *skip
}

func (b *migrator) skipByKind(n *node) skipFunc {
	switch n.kind {
	case kindBool:
		return func(src []byte, _ int) ([]byte, error) {
			_, rest, err := flag(src)
			return rest, err
		}
	case kindFloat32, kindFloat64, kindComplex64, kindComplex128:
		return skipRaw(b.least(n))
	case kindString, kindBinary:
		return func(src []byte, _ int) ([]byte, error) {
			size, rest, err := sized(src)
			if err != nil {
				return nil, err
			}
			return rest[size:], nil
		}
	case kindBytes, kindProto:
		return func(src []byte, _ int) ([]byte, error) {
			size, rest, err := count(src, 1)
			if err != nil || size < 0 {
				return rest, err
			}
			return rest[size:], nil
		}
	case kindTime:
		return skipTimes(3, skipVarint)
	case kindPointer:
		elem := b.skipper(n.elem)
		return func(src []byte, depth int) ([]byte, error) {
			set, rest, err := flag(src)
			if err != nil || !set {
				return rest, err
			}
			return elem(rest, depth)
		}
	case kindSlice:
		return skipCounted(b.least(n.elem), b.skipper(n.elem))
	case kindArray:
		switch {
		case n.length == 0 || b.least(n.elem) == 0:
			return skipRaw(0)
		case n.elem.kind == kindUint8:
			return skipRaw(n.length)
		}
		return skipTimes(n.length, b.skipper(n.elem))
	case kindMap:
		key, value := b.skipper(n.key), b.skipper(n.elem)
		return skipCounted(saturate(uint64(b.least(n.key))+uint64(b.least(n.elem))), func(src []byte, depth int) ([]byte, error) {
			src, err := key(src, depth)
			if err != nil {
				return nil, err
			}
			return value(src, depth)
		})
	case kindStruct:
		fields := make([]skipFunc, len(n.fields))
		for i, f := range n.fields {
			fields[i] = b.skipper(f.node)
		}
		return func(src []byte, depth int) ([]byte, error) {
			var err error
			for i, skip := range fields {
				if src, err = skip(src, depth); err != nil {
					return nil, at(n.fields[i].name, err)
				}
			}
			return src, nil
		}
	default: // integers
		return skipVarint
	}
}

func skipVarint(src []byte, _ int) ([]byte, error) {
	_, rest, err := uvarint(src)
	return rest, err
}

func skipRaw(n int) skipFunc {
	return func(src []byte, _ int) ([]byte, error) {
		if len(src) < n {
			return nil, errShort
		}
		return src[n:], nil
	}
}

func skipTimes(n int, elem skipFunc) skipFunc {
	return func(src []byte, depth int) ([]byte, error) {
		var err error
		for range n {
			if src, err = elem(src, depth); err != nil {
				return nil, err
			}
		}
		return src, nil
	}
}

// skipCounted passes over elements behind their number, which take at least that
// many bytes each.
func skipCounted(least int, elem skipFunc) skipFunc {
	return func(src []byte, depth int) ([]byte, error) {
		n, src, err := count(src, least)
		if err != nil || n < 0 || least == 0 {
			return src, err
		}
		for i := range n {
			if src, err = elem(src, depth); err != nil {
				return nil, atIndex(i, err)
			}
		}
		return src, nil
	}
}
