package longwire

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	longwirev1 "longwire/v1"
)

func compressed(t *testing.T, data []byte) []byte {
	t.Helper()
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return encoder.EncodeAll(data, nil)
}

func TestCountsAreReadInEachForm(t *testing.T) {
	wide := make([]byte, 18)
	wide[0], wide[8], wide[17] = 0b10, 1, 2
	zeros := "0000000000000000000000000000000000000000000000000000000000000000"
	for name, each := range map[string]struct {
		counts *longwirev1.Counts
		sorted []OutcomeCount
	}{
		"bitstrings": {
			&longwirev1.Counts{NumBits: 2, Bitstrings: []string{"10", "01"}, Counts: []uint64{3, 4}},
			[]OutcomeCount{{"01", 4}, {"10", 3}},
		},
		"integers": {
			&longwirev1.Counts{NumBits: 3, Outcomes: []uint64{6, 1}, Counts: []uint64{3, 4}},
			[]OutcomeCount{{"001", 4}, {"110", 3}},
		},
		"wide integers": {
			&longwirev1.Counts{NumBits: 66, WideOutcomes: wide, Counts: []uint64{3, 4}},
			[]OutcomeCount{{zeros + "10", 4}, {"10" + zeros[1:] + "1", 3}},
		},
		"nothing": {&longwirev1.Counts{NumBits: 2}, []OutcomeCount{}},
	} {
		sorted, err := SortedCounts(each.counts)
		if err != nil || !slices.Equal(sorted, each.sorted) {
			t.Errorf("%s: %v, %v", name, sorted, err)
		}
	}
}

func TestCountsThatDoNotFitAreRefused(t *testing.T) {
	for name, counts := range map[string]*longwirev1.Counts{
		"too few counts":    {NumBits: 1, Outcomes: []uint64{0, 1}, Counts: []uint64{5}},
		"too few bytes":     {NumBits: 66, WideOutcomes: make([]byte, 17), Counts: []uint64{1, 2}},
		"too many bits":     {NumBits: math.MaxUint32, Outcomes: []uint64{0}, Counts: []uint64{5}},
		"bytes for no bits": {WideOutcomes: []byte{1}, Counts: []uint64{5}},
	} {
		if sorted, err := SortedCounts(counts); err == nil {
			t.Errorf("%s: %v", name, sorted)
		}
	}
}

func TestShotsAreReadInOrder(t *testing.T) {
	rows := []byte{0b1, 0b00000001, 0b0, 0b10000000}
	expected := []string{"100000001", "010000000"}
	for name, memory := range map[string]*longwirev1.PackedBits{
		"plain": {NumBits: 9, NumShots: 2, Data: rows},
		"compressed": {NumBits: 9, NumShots: 2, Data: compressed(t, rows),
			Compression: longwirev1.Compression_COMPRESSION_ZSTD},
	} {
		shots, err := Shots(memory)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := slices.Collect(shots); !slices.Equal(got, expected) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAmplitudesAreReadInBothPrecisions(t *testing.T) {
	expected := []complex128{complex(0.5, -0.25), complex(0, 1)}
	var double, single []byte
	for _, part := range []float64{0.5, -0.25, 0, 1} {
		double = binary.LittleEndian.AppendUint64(double, math.Float64bits(part))
		single = binary.LittleEndian.AppendUint32(single, math.Float32bits(float32(part)))
	}
	for name, value := range map[string]*longwirev1.Value{
		"quantum object": {Kind: &longwirev1.Value_QuantumObjectValue{
			QuantumObjectValue: &longwirev1.QuantumObject{Data: &longwirev1.Array{
				ElementType: longwirev1.ElementType_ELEMENT_TYPE_COMPLEX128, Data: double}}}},
		"array": {Kind: &longwirev1.Value_ArrayValue{ArrayValue: &longwirev1.Array{
			ElementType: longwirev1.ElementType_ELEMENT_TYPE_COMPLEX64, Data: single}}},
	} {
		if got, err := Amplitudes(value); err != nil || !slices.Equal(got, expected) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	text := &longwirev1.Value{Kind: &longwirev1.Value_StringValue{StringValue: "text"}}
	if got, err := Amplitudes(text); got != nil || err != nil {
		t.Errorf("text: %v, %v", got, err)
	}
}
