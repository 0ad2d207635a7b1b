/* SPDX-License-Identifier: BSD-3-Clause */
/* In the spirit of RFC 4475, RFC 5118 and RFC 5769: what is legal but rare, and what is not legal
 * but sent. */
#include "messages.h"

#define B(s)         .bytes = (s), .len = sizeof(s) - 1
#define UDP(n, s, c) .name = (n), B(s), .proto = TO_UDP, .class = TO_CLASS_##c
#define TCP(n, s, c) .name = (n), B(s), .proto = TO_TCP, .class = TO_CLASS_##c
#define REQ          TO_SIP_REQUEST
#define RESP         TO_SIP_RESPONSE
#define CID          TO_SIP_CALL_ID
#define BR           TO_SIP_BRANCH
#define MAGIC        "\x00\x0f\x00\x04\x72\xc6\x4b\xc6"
#define TXID         "\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
#define COOKIE       "\x21\x12\xa4\x42"
#define X10          "xxxxxxxxxx"
#define X100         X10 X10 X10 X10 X10 X10 X10 X10 X10 X10
#define H4           "X: y\r\nX: y\r\nX: y\r\nX: y\r\n"
#define H16          H4 H4 H4 H4
#define OPT          "OPTIONS sip:a@example.com SIP/2.0\r\n"

const struct message messages[] = {
	/* start lines */
	{UDP("invite",
	     "INVITE sip:bob@example.net SIP/2.0\r\n"
	     "Via: SIP/2.0/UDP pc33.example.com;branch=z9hG4bK776asdhds;rport\r\n"
	     "Call-ID: a84b4c76e66710@pc33.example.com\r\nCSeq: 314159 INVITE\r\n\r\nv=0\r\n",
	     SIP),
	 .flags = REQ | CID | BR, .method = TO_SIP_INVITE,
	 .call_id = "a84b4c76e66710@pc33.example.com", .branch = "z9hG4bK776asdhds", .body = "v=0"},
	{UDP("ringing",
	     "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKx\r\ni: 1@a\r\n"
	     "CSeq: 1 INVITE\r\n\r\n",
	     SIP),
	 .flags = RESP | CID | BR, .method = TO_SIP_INVITE, .status = 180, .call_id = "1@a",
	 .branch = "z9hG4bKx"},
	{UDP("no reason phrase, method of CSeq with odd blanks",
	     "SIP/2.0 481 \r\nCSeq:\t0009  \tBYE  \r\nCall-ID:x\r\n\r\n", SIP),
	 .flags = RESP | CID, .method = TO_SIP_BYE, .status = 481, .call_id = "x"},
	{UDP("status without a blank behind it", "SIP/2.0 200\r\nCall-ID: x\r\n\r\n", SIP),
	 .flags = RESP | CID, .status = 200, .call_id = "x"},
	{UDP("subscribe of a response", "SIP/2.0 202 OK\r\nCSeq: 5 SUBSCRIBE\r\nCall-ID: s\r\n\r\n",
	     SIP),
	 .flags = RESP | CID, .method = TO_SIP_SUBSCRIBE, .status = 202, .call_id = "s"},
	{UDP("subscribed is another method", "SIP/2.0 202 OK\r\nCSeq: 5 SUBSCRIBED\r\ni: s\r\n\r\n",
	     SIP),
	 .flags = RESP | CID, .status = 202, .call_id = "s"},
	{UDP("leading line ends", "\r\n\r\n\nBYE sip:a@b SIP/2.0\nCall-ID: q\n\n", SIP),
	 .flags = REQ | CID, .method = TO_SIP_BYE, .call_id = "q"},
	{UDP("17 leading bytes", "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\nBYE sip:a@b SIP/2.0\r\n\r\n",
	     UNKNOWN)},
	{UDP("token as method (RFC 4475, 3.1.1.2)",
	     "!interesting-Method0123456789_*+`.%indeed'~ "
	     "sip:1_unusual.URI~(to-be!sure)@example.com "
	     "SIP/2.0\r\nCall-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\r\n\r\n",
	     SIP),
	 .flags = REQ | CID, .call_id = "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"},
	{UDP("blanks in the start line", "ACK   sip:u@e.com \t SIP/2.0 \t \r\ni:1\r\n\r\n", SIP),
	 .flags = REQ | CID, .method = TO_SIP_ACK, .call_id = "1"},
	{UDP("lower case version", "CANCEL sip:a sip/2.0\r\ni:1\r\n\r\n", SIP), .flags = REQ | CID,
	 .method = TO_SIP_CANCEL, .call_id = "1"},
	{UDP("lower case method is no INVITE", "invite sip:a SIP/2.0\r\ni:1\r\n\r\n", SIP),
	 .flags = REQ | CID, .method = TO_SIP_OTHER, .call_id = "1"},
	{UDP("version 7", "OPTIONS sip:a@b SIP/7.0\r\n\r\n", UNKNOWN)},
	{UDP("no URI", "INVITE SIP/2.0\r\n\r\n", UNKNOWN)},
	{UDP("no line end", "INVITE sip:a@b SIP/2.0", UNKNOWN)},
	{UDP("line too long", "INVITE sip:" X100 X100 X100 X100 X100 "@b SIP/2.0\r\n\r\n",
	     UNKNOWN)},
	{UDP("method too long", "A" X10 X10 X10 X10 X10 X10 "xxxx sip:a@b SIP/2.0\r\n\r\n",
	     UNKNOWN)},
	{UDP("status 7xx", "SIP/2.0 700 No\r\n\r\n", UNKNOWN)},
	{TCP("SIP over TCP", "REGISTER sip:a SIP/2.0\r\nCall-ID: t\r\n\r\n", SIP),
	 .flags = REQ | CID, .call_id = "t"},
	{UDP("a method that looks like ChannelData", "NOTIFY sip:a@b SIP/2.0\r\ni:1\r\n\r\n", SIP),
	 .flags = REQ | CID, .call_id = "1"},
	/* headers */
	{UDP("wsinv (RFC 4475, 3.1.1.1): folded, compact, blanks",
	     "INVITE sip:vivekg@example.com;unknownparam SIP/2.0\r\n"
	     "TO :\r\n sip:vivekg@example.com ;   tag    = 1918181833n\r\n"
	     "cAlL-iD \t :\r\n  \tf0d3.wsinv \r\n\t\r\n @192.0.2.2 \t\r\n"
	     "Cseq: 9\r\n INVITE\r\n"
	     "Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;BRANCH \r\n =\r\n\tz9hG4bK390skdjuw , "
	     "SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8\r\n"
	     "l: 0\r\n\r\n",
	     SIP),
	 .flags = REQ | CID | BR, .method = TO_SIP_INVITE, .call_id = "f0d3.wsinv @192.0.2.2",
	 .branch = "z9hG4bK390skdjuw"},
	{UDP("two Call-IDs", OPT "i: first\r\nCall-ID: second\r\n\r\n", SIP), .flags = REQ | CID,
	 .call_id = "first"},
	{UDP("the first Call-ID is empty", OPT "i: \t\r\nCall-ID: second\r\n\r\n", SIP),
	 .flags = REQ},
	{UDP("a Call-ID of 255", OPT "i:" X100 X100 X10 X10 X10 X10 X10 "xxxxx\r\n\r\n", SIP),
	 .flags = REQ | CID, .call_id = X100 X100 X10 X10 X10 X10 X10 "xxxxx"},
	{UDP("a Call-ID of 256", OPT "i:" X100 X100 X10 X10 X10 X10 X10 "xxxxxx\r\n\r\n", SIP),
	 .flags = REQ},
	{UDP("a folded Call-ID of 256 with its space",
	     OPT "i:" X100 X100 X10 X10 X10 X10 X10 "x\r\n yyyy\r\n\r\n", SIP),
	 .flags = REQ},
	{UDP("names that only begin alike",
	     OPT "Call-IDs: a\r\nVia2: x;branch=z9hG4bKa\r\n"
		 "I-M: b\r\nViable: c\r\nCall-ID x\r\n\r\n",
	     SIP),
	 .flags = REQ},
	{UDP("the Call-ID is cut", OPT "v: SIP/2.0/UDP a;branch=z9hG4bKx\r\nCall-ID: abcd", SIP),
	 .flags = REQ | BR, .branch = "z9hG4bKx"},
	{UDP("its continuation is cut", OPT "Call-ID: abcd\r\n efg", SIP), .flags = REQ | CID,
	 .call_id = "abcd"},
	{UDP("its line is whole, the next one is cut", OPT "Call-ID: abcd\r\nX: ", SIP),
	 .flags = REQ | CID, .call_id = "abcd"},
	{UDP("line 64", OPT H16 H16 H16 H4 H4 H4 "X: y\r\nX: y\r\nX: y\r\ni: 64\r\n\r\n", SIP),
	 .flags = REQ | CID, .call_id = "64"},
	{UDP("line 65", OPT H16 H16 H16 H16 "i: 65\r\n\r\nbody", SIP), .flags = REQ},
	{UDP("the header block has ended", OPT "\r\nCall-ID: body\r\n", SIP), .flags = REQ,
	 .body = "Call-ID: body"},
	{UDP("a lone CR is no line end", OPT "X: y\rCall-ID: no\r\ni: yes\r\n\r\n", SIP),
	 .flags = REQ | CID, .call_id = "yes"},
	{UDP("beyond 1,500 bytes",
	     OPT "X: " X100 X100 X100 X100 X100 X100 X100 X100 X100 X100 X100 X100 X100 X100 X10 X10
		     X10 X10 X10 X10 "\r\ni: late\r\n\r\n",
	     SIP),
	 .flags = REQ},
	/* Via */
	{UDP("no cookie", OPT "Via: SIP/2.0/UDP a;branch=1\r\nVia: x;branch=z9hG4bKb\r\n\r\n", SIP),
	 .flags = REQ},
	{UDP("the branch is the second value's",
	     OPT "Via: SIP/2.0/UDP a, b;branch=z9hG4bKb\r\n\r\n", SIP),
	 .flags = REQ},
	{UDP("other parameters first (RFC 5118 address)",
	     OPT "v: SIP/2.0/UDP "
		 "[2001:db8::9:255];received=\"x\";branches=1;branch;Branch=z9hG4bK.~\r\n\r\n",
	     SIP),
	 .flags = REQ | BR, .branch = "z9hG4bK.~"},
	{UDP("only the cookie", OPT "v: a;branch=z9hG4bK\r\n\r\n", SIP), .flags = REQ | BR,
	 .branch = "z9hG4bK"},
	/* not SIP */
	{TCP("HTTP", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP)},
	{TCP("HTTP answer", "HTTP/1.1 200 OK\r\n\r\n", HTTP)},
	{UDP("SSDP", "M-SEARCH * HTTP/1.1\r\n\r\n", HTTP)},
	{TCP("long HTTP", "GET /" X100 X100 X100 X100 X100 X100 " HTTP/1.1\r\n", HTTP)},
	{TCP("RTSP", "OPTIONS rtsp://a RTSP/1.0\r\n\r\n", UNKNOWN)},
	{TCP("XMPP", "<?xml version='1.0'?><stream:stream>", XMPP)},
	{TCP("XMPP presence", "<presence/>", XMPP)},
	{UDP("XMPP is TCP's", "<presence/>", UNKNOWN)},
	{UDP("spaces", "     ", KEEPALIVE)},
	{UDP("double CRLF", "\r\n\r\n", KEEPALIVE)},
	{UDP("zeros", "\0\0\0\0", KEEPALIVE)},
	{UDP("hello", "hello", KEEPALIVE)},
	{UDP("hello and more", "hello.", UNKNOWN)},
	{UDP("17 blanks", "                 ", UNKNOWN)},
	{UDP("nothing", "", NONE)},
	{UDP("one byte", "\x80", UNKNOWN)},
	/* TLS */
	{TCP("ClientHello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", TLS)},
	{TCP("application data", "\x17\x03\x03\x00\x20", TLS)},
	{TCP("an empty record", "\x17\x03\x03\x00\x00\x00", UNKNOWN)},
	{TCP("a record too long", "\x17\x03\x03\x48\x01\x00", UNKNOWN)},
	{TCP("pseudo-TLS client",
	     "\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x01"
	     "01234567890123456789012345678901"
	     "\x00\x00\x02\x00\x18\x01\x00",
	     PSEUDO_TLS)},
	{TCP("a short ClientHello is not it",
	     "\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x01"
	     "01234567890123456789012345678901"
	     "\x00\x00\x02\x00\x35\x01\x00",
	     TLS)},
	{TCP("pseudo-TLS server",
	     "\x16\x03\x01\x00\x4e\x02\x00\x00\x46\x03\x01"
	     "01234567890123456789012345678901"
	     "\x20"
	     "01234567890123456789012345678901"
	     "\x00\x18\x00\x0e\x00\x00\x00",
	     PSEUDO_TLS)},
	/* STUN */
	{UDP("Binding request (RFC 5769, 2.1)",
	     "\x00\x01\x00\x0c" COOKIE TXID "\x80\x22\x00\x07"
	     "test ve\x20",
	     STUN),
	 .type = 1, .begins = true},
	{UDP("Allocate success, XOR-RELAYED-ADDRESS of IPv4",
	     "\x01\x03\x00\x20" COOKIE TXID "\x80\x22\x00\x05"
	     "turn!\0\0\0"
	     "\x00\x16\x00\x08\x00\x01\xa1\x47"
	     "\xe1\x12\xa6\x43"
	     "\x00\x0d\x00\x04\x00\x00\x02\x58",
	     STUN),
	 .type = 0x0103, .lifetime = 600, .relayed = "192.0.2.1", .relayed_port = 32853},
	{UDP("Allocate success, IPv6 (RFC 5769, 2.3)",
	     "\x01\x03\x00\x18" COOKIE TXID "\x00\x16\x00\x14\x00\x02\xa1\x47"
	     "\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9",
	     STUN),
	 .type = 0x0103, .relayed = "2001:db8:1234:5678:11:2233:4455:6677", .relayed_port = 32853},
	{UDP("Refresh success, LIFETIME twice",
	     "\x01\x04\x00\x10" COOKIE TXID
	     "\x00\x0d\x00\x04\x00\x00\x00\x07\x00\x0d\x00\x04\x00\x00\x00\x08",
	     STUN),
	 .type = 0x0104, .lifetime = 7},
	{UDP("an attribute that goes beyond the message",
	     "\x01\x03\x00\x08" COOKIE TXID "\x00\x16\x00\x14\x00\x01\xa1\x47", STUN),
	 .type = 0x0103},
	{UDP("MS-TURN Allocate success, not padded",
	     "\x01\x03\x00\x1f" COOKIE TXID MAGIC "\x80\x06\x00\x03"
	     "abc"
	     "\x00\x01\x00\x08\x00\x01\xc3\x50"
	     "\xcb\x00\x71\x66\x00\x0d\x00\x00",
	     MS_TURN),
	 .type = 0x0103, .ms = true, .relayed = "203.0.113.102", .relayed_port = 50000},
	{UDP("MS-TURN without a cookie",
	     "\x00\x03\x00\x10"
	     "0123456789abcdef" MAGIC "\x00\x0d\x00\x04\x00\x00\x00\x3c",
	     MS_TURN),
	 .type = 3, .ms = true, .lifetime = 60, .begins = true},
	{UDP("Data indication",
	     "\x01\x15\x00\x08"
	     "0123456789abcdef"
	     "\x00\x13\x00\x04"
	     "data",
	     MS_TURN),
	 .type = 0x0115},
	{UDP("FF10 multiplex",
	     "\xff\x10\x00\x1c"
	     "sessions"
	     "\x00\x01\x00\x00" COOKIE TXID,
	     MS_TURN),
	 .type = 1, .begins = true},
	{UDP("FF10 of another length",
	     "\xff\x10\x00\x1d"
	     "sessions"
	     "\x00\x01\x00\x00" COOKIE TXID,
	     UNKNOWN)},
	{UDP("classic STUN",
	     "\x00\x01\x00\x08"
	     "0123456789abcdef"
	     "\x00\x03\x00\x04\x00\x00\x00\x06",
	     STUN),
	 .type = 1, .begins = true},
	{UDP("classic STUN, attributes do not fit",
	     "\x00\x01\x00\x08"
	     "0123456789abcdef"
	     "\x00\x03\x00\x05\x00\x00\x00\x06",
	     UNKNOWN)},
	{UDP("Refresh request", "\x00\x04\x00\x00" COOKIE TXID, STUN), .type = 4},
	{UDP("cookie, but too short", "\x00\x01\x00\x04" COOKIE TXID, UNKNOWN)},
	{TCP("STUN goes on in the next segment", "\x00\x01\x00\x04" COOKIE TXID, STUN)},
	{TCP("RFC 4571 STUN", "\x00\x14\x00\x01\x00\x00" COOKIE TXID, STUN)},
	{TCP("pseudo-TLS framing", "\x02\x00\x00\x1c\x00\x03\x00\x08" COOKIE TXID MAGIC, MS_TURN)},
	{TCP("RFC 4571 RTCP", "\x00\x08\x80\xc9\x00\x01\x00\x00\x00\x01", RTCP)},
	/* media */
	{UDP("ChannelData",
	     "\x40\x00\x00\x05"
	     "abcde",
	     TURN_CHANNEL)},
	{UDP("ChannelData, padded",
	     "\x4f\xff\x00\x05"
	     "abcde\0\0\0",
	     TURN_CHANNEL)},
	{UDP("ChannelData of another length",
	     "\x40\x00\x00\x05"
	     "abcdefghi",
	     UNKNOWN)},
	{TCP("ChannelData on TCP",
	     "\x40\x00\x00\x05"
	     "abcde\0\0\0",
	     TURN_CHANNEL)},
	{UDP("DTLS ClientHello", "\x16\xfe\xff\0\0\0\0\0\0\0\0\0\x01\x01", DTLS), .begins = true},
	{UDP("DTLS application data",
	     "\x17\xfe\xfd\0\x01\0\0\0\0\0\0\0\x02"
	     "ab",
	     DTLS)},
	{UDP("DTLS with a connection id",
	     "\x19\xfe\xfd"
	     "0123456789abc",
	     DTLS)},
	{UDP("DTLS of no known version", "\x16\x03\x03\0\0\0\0\0\0\0\0\0\x01\x01", UNKNOWN)},
	{UDP("DTLS 1.3 where media is expected",
	     "\x2f"
	     "0123456789abcdefg",
	     DTLS),
	 .media = true},
	{UDP("and where it is not",
	     "\x2f"
	     "0123456789abcdefg",
	     UNKNOWN)},
	{UDP("RTP where media is expected",
	     "\x80\x00\x00\x01"
	     "tttt"
	     "ssss"
	     "xxxx",
	     RTP),
	 .media = true},
	{UDP("one RTP packet proves nothing",
	     "\x80\x00\x00\x01"
	     "tttt"
	     "ssss"
	     "xxxx",
	     UNKNOWN)},
	{UDP("RTP, its extension does not fit",
	     "\x90\x00\x00\x01"
	     "tttt"
	     "ssss"
	     "\xbe\xde\x00\x01",
	     UNKNOWN),
	 .media = true},
	{UDP("RTP with CSRCs and an extension",
	     "\x91\x00\x00\x01"
	     "tttt"
	     "ssss"
	     "cccc"
	     "\xbe\xde\x00\x00",
	     RTP),
	 .media = true},
	{UDP("RTCP receiver report",
	     "\x81\xc9\x00\x01"
	     "ssss",
	     RTCP)},
	{UDP("RTCP, its length does not fit",
	     "\x81\xc9\x00\x02"
	     "ssss",
	     UNKNOWN)},
	{UDP("RTCP type 192 only where media is expected",
	     "\x80\xc0\x00\x01"
	     "ssss",
	     RTCP),
	 .media = true},
	{UDP("and not where it is not",
	     "\x80\xc0\x00\x01"
	     "ssss",
	     UNKNOWN)},
	{UDP("ZRTP", "\x10\x00\x00\x01ZRTPssss", ZRTP)},
	{UDP("QUIC 1",
	     "\xc3\x00\x00\x00\x01\x08"
	     "0123456789",
	     QUIC)},
	{UDP("QUIC of no known version",
	     "\xc3\x12\x34\x56\x78\x08"
	     "0123456789",
	     UNKNOWN)},
	{UDP("QUIC short header where media is expected",
	     "\x55"
	     "0123456789abcdefghij",
	     QUIC),
	 .media = true},
	/* SDP */
	{UDP("SDP",
	     "INVITE sip:a SIP/2.0\r\ni: 1\r\n\r\n"
	     "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\nc=IN IP4 203.0.113.102\r\nt=0 0\r\n"
	     "m=audio 50000 RTP/AVP 0\r\na=rtcp:50001\r\n"
	     "m=video 50010/2 RTP/AVP 31\r\nc=IN IP6 2001:DB8::102\r\na=rtcp:50013 IN IP4 "
	     "203.0.113.7\r\n"
	     "m=audio 0 RTP/AVP 0\r\na=rtcp:9\r\nm=message 2855 TCP/MSRP *\r\n"
	     "m=application 50020 UDP/BFCP *\r\na=sendrecv\r\n",
	     SIP),
	 .flags = REQ | CID, .method = TO_SIP_INVITE, .call_id = "1", .body = "v=0",
	 .claims = "203.0.113.102 50000,203.0.113.102 50001,2001:db8::102 50010,203.0.113.7 "
		   "50013,203.0.113.102 9,"
		   "203.0.113.102 50020"},
	{UDP("two SDPs in a multipart body, candidates",
	     "SIP/2.0 200 OK\r\ni: 1\r\nCSeq: 1 INVITE\r\n\r\n--x\r\nContent-Type: "
	     "application/sdp\r\n\r\n"
	     "v=0\r\nc=IN IP4 203.0.113.1\r\nm=audio 4000 RTP/AVP 0\r\n"
	     "a=candidate:1 1 UDP 2130706431 203.0.113.102 50000 typ host\r\n"
	     "a=candidate:2 1 udp 16777215 ::ffff:203.0.113.103 50002 typ relay raddr 192.0.2.1 "
	     "rport 9\r\n"
	     "a=candidate:3 1 udp 1 192.0.2.1 5 typ srflx raddr 1.1.1.1 rport 1\r\n"
	     "a=candidate:4 1 TCP 1 203.0.113.102 50004 typ host\r\n"
	     "--x\r\nv=0\r\nm=audio 4002 RTP/AVP 0\r\nc=IN IP4 203.0.113.2/127\r\nm=audio 40",
	     SIP),
	 .flags = RESP | CID, .method = TO_SIP_INVITE, .status = 200, .call_id = "1", .body = "--x",
	 .claims = "203.0.113.102 50000,203.0.113.103 50002,203.0.113.1 4000,203.0.113.2 4002"},
	{UDP("addresses that are none",
	     "ACK sip:a SIP/2.0\ni: 1\n\nv=0\nc=IN IP4 203.0.113.256\nm=audio 1 x\nm=audio 2 x\n"
	     "c=IN IP4 1.2.3\nm=audio 3 x\nc=IN IP4 01.2.3.4\nm=audio 4 x\nc=IN IP6 "
	     "1::2::3\nm=audio 5 x\n"
	     "c=IN IP6 1:2:3:4:5:6:7\nm=audio 6 x\nc=IN IP6 :1::2\nm=audio 7 x\nc=IN IP6 "
	     "1:\nm=audio 8 x\n"
	     "c=IN IP6 12345::\nm=audio 9 x\nc=IN IP4 host.example\nm=audio 65536 x\nc=IN IP4 "
	     "1.2.3.4\n"
	     "m=audio 10 x\nc=IN IP6 1:2:3:4:5:6:7:8\nm=audio 11 x\nc=IN IP6 1:2:3:4:5:6:7::8\n"
	     "m=audio 12 x\nc=IN IP6 ::\nm=audio 13 x\nc=IN IP6 1::\nm=audio 14 x\nc=IN IP6 ::1\n",
	     SIP),
	 .flags = REQ | CID, .method = TO_SIP_ACK, .call_id = "1", .body = "v=0",
	 .claims = "1:2:3:4:5:6:7:8 10,1:: 13,::1 14"},
	{UDP("at most thirty-two, each once",
	     "ACK sip:a SIP/2.0\ni: 1\n\nv=0\nc=IN IP4 1.1.1.1\nm=audio 1 x\n"
	     "m=audio 1 x\nm=audio 2 x\nm=audio 3 x\nm=audio 4 x\nm=audio 5 x\nm=audio 6 x\n"
	     "m=audio 7 x\nm=audio 8 x\nm=audio 9 x\nm=audio 10 x\nm=audio 11 x\nm=audio 12 x\n"
	     "m=audio 13 x\nm=audio 14 x\nm=audio 15 x\nm=audio 16 x\nm=audio 17 x\nm=audio 18 x\n"
	     "m=audio 19 x\nm=audio 20 x\nm=audio 21 x\nm=audio 22 x\nm=audio 23 x\nm=audio 24 x\n"
	     "m=audio 25 x\nm=audio 26 x\nm=audio 27 x\nm=audio 28 x\nm=audio 29 x\nm=audio 30 x\n"
	     "m=audio 31 x\nm=audio 32 x\nm=audio 33 x\nm=audio 34 x\nm=audio 35 x\n",
	     SIP),
	 .flags = REQ | CID, .method = TO_SIP_ACK, .call_id = "1", .body = "v=0",
	 .claims =
		 "1.1.1.1 1,1.1.1.1 2,1.1.1.1 3,1.1.1.1 4,1.1.1.1 5,1.1.1.1 6,1.1.1.1 7,1.1.1.1 8,"
		 "1.1.1.1 9,1.1.1.1 10,1.1.1.1 11,1.1.1.1 12,1.1.1.1 13,1.1.1.1 14,1.1.1.1 15,1.1."
		 "1.1 16,1.1.1.1 17,1.1.1.1 18,1.1.1.1 19,1.1.1.1 20,1.1.1.1 21,1.1.1.1 22,1.1.1.1"
		 " 23,1.1.1.1 24,1.1.1.1 25,1.1.1.1 26,1.1.1.1 27,1.1.1.1 28,1.1.1.1 29,1.1.1.1 30"
		 ",1.1.1.1 31,1.1.1.1 32"},
};

const size_t message_count = sizeof(messages) / sizeof(messages[0]);
