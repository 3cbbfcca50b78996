// The envelopes by Go's own encoding/gob and encoding/json, for tests/wire.rs.
//
// First prints samples, one a line, as {"kind", "gob", "json"}. Then reads such lines, without "json", and prints each
// with what Go decodes from its gob.
package main

import (
	"bufio"
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
)

// GeneralWsReq and Resp have the fields, the types and the names in JSON of OpenIM's envelopes.
type GeneralWsReq struct {
	ReqIdentifier int    `json:"reqIdentifier"`
	Token         string `json:"token"`
	SendID        string `json:"sendID"`
	OperationID   string `json:"operationID"`
	MsgIncr       string `json:"msgIncr"`
	Data          []byte `json:"data"`
}

type Resp struct {
	ReqIdentifier int    `json:"reqIdentifier"`
	MsgIncr       string `json:"msgIncr"`
	OperationID   string `json:"operationID"`
	ErrCode       int    `json:"errCode"`
	ErrMsg        string `json:"errMsg"`
	Data          []byte `json:"data"`
}

// Wider is a request in another order, of other sizes, among fields that we do not know.
type Wider struct {
	Flag          bool       `json:"-"`
	Data          []byte     `json:"data"`
	Count         uint64     `json:"-"`
	MsgIncr       string     `json:"msgIncr"`
	Ratio         float64    `json:"-"`
	ReqIdentifier int32      `json:"reqIdentifier"`
	Point         complex128 `json:"-"`
	SendID        string     `json:"sendID"`
	Note          string     `json:"-"`
	Blob          []byte     `json:"-"`
	Low           int8       `json:"-"`
}

type sample struct {
	Kind string          `json:"kind"`
	Gob  string          `json:"gob"`
	Json json.RawMessage `json:"json,omitempty"`
}

var out = json.NewEncoder(os.Stdout)

func show(kind string, envelope any, stream []byte) {
	text, err := json.Marshal(envelope)
	check(err)
	check(out.Encode(sample{kind, hex.EncodeToString(stream), text}))
}

func encode(kind string, envelope any) {
	var stream bytes.Buffer
	check(gob.NewEncoder(&stream).Encode(envelope))
	show(kind, envelope, stream.Bytes())
}

func main() {
	ints := []int{0, 1, -1, 63, 64, -64, -65, 127, 128, 255, 256, 1001, 2005, -1001, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64}
	texts := []string{"", "a", "alice_1795493236", "ünï-码-🦀", "a\"b\\c\n<&>\u2028", string(bytes.Repeat([]byte("x"), 127)), string(bytes.Repeat([]byte("é"), 200))}
	datas := [][]byte{nil, {}, {0}, {0xff}, []byte("\n\x05alice"), bytes.Repeat([]byte{0x80}, 128), bytes.Repeat([]byte("0123456789abcdef"), 1<<16)}

	// These two first, for the type IDs that they have in OpenIM's programs.
	encode("request", GeneralWsReq{})
	encode("response", Resp{})
	for i, number := range ints {
		text, other := texts[i%len(texts)], texts[(i+3)%len(texts)]
		encode("request", GeneralWsReq{number, other, text, text, other, datas[i%6]})
		encode("response", Resp{number, text, other, -number, text, datas[i%6]})
	}
	for _, data := range datas {
		encode("request", GeneralWsReq{Data: data})
		encode("response", Resp{ErrCode: 7, Data: data})
	}
	for _, text := range texts {
		encode("request", GeneralWsReq{MsgIncr: text, Data: datas[4]})
		encode("response", Resp{OperationID: text, ErrMsg: text})
	}
	encode("wider", Wider{ReqIdentifier: 7})
	encode("wider", Wider{true, datas[4], math.MaxUint64, "m", -1.5, -1003, complex(1, -2), "u", "n", datas[5], -128})
	check(out.Encode(sample{Kind: "end"}))

	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		var given sample
		check(json.Unmarshal(lines.Bytes(), &given))
		stream, err := hex.DecodeString(given.Gob)
		check(err)
		decoder := gob.NewDecoder(bytes.NewReader(stream))
		if given.Kind == "request" {
			var envelope GeneralWsReq
			check(decoder.Decode(&envelope))
			show(given.Kind, envelope, stream)
		} else {
			var envelope Resp
			check(decoder.Decode(&envelope))
			show(given.Kind, envelope, stream)
		}
	}
	check(lines.Err())
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
