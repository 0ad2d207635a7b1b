/* SPDX-License-Identifier: BSD-3-Clause */
#include "stun_binding.h"

#include <string.h>

#include <turnout/stun.h>

enum {
	BINDING_SUCCESS = 0x0101,
	BINDING_ERROR = 0x0111,
	ERROR_CODE = 0x0009,
	XOR_MAPPED_ADDRESS = 0x0020,
};

void to_stun_binding_write(struct to_stun_question *question, const uint8_t random[12],
			   uint8_t out[TO_STUN_HEADER])
{
	static const uint8_t head[8] = {0, TO_STUN_BINDING, 0, 0, 0x21, 0x12, 0xa4, 0x42};

	memcpy(out, head, sizeof(head));
	memcpy(out + 8, random, 12);
	memcpy(question->id, out + 4, sizeof(question->id));
}

/* 0: it has none that can be read. */
static uint16_t error_code(const uint8_t *data, uint32_t off, uint32_t size)
{
	uint16_t class, number;

	if (size < 4)
		return 0;
	class = data[off + 2] & 7;
	number = data[off + 3];
	return class >= 3 && class <= 6 && number < 100 ? class * 100 + number : 0;
}

/* What the first attribute says that bears on the question. */
static enum to_answer read_attribute(const uint8_t *data, uint32_t off, uint32_t end, uint16_t type,
				     uint16_t *code)
{
	static const uint64_t plain[2] = {0, 0};
	uint32_t kind = to_get16(data, off, end), size = to_get16(data, off + 2, end);
	struct to_stun ignored;

	if (size > end - off - 4)
		return TO_ANSWER_OTHER;
	if (type == BINDING_ERROR && kind == ERROR_CODE) {
		*code = error_code(data, off + 4, size);
		if (!*code)
			return TO_ANSWER_OTHER;
		return *code >= 400 && *code < 500 ? TO_ANSWER_ALIVE : TO_ANSWER_FAILING;
	}
	/* the address itself is of no interest: whether it is one, masked or not, is */
	if (type == BINDING_SUCCESS &&
	    (kind == XOR_MAPPED_ADDRESS || kind == TO_STUN_MAPPED_ADDRESS) &&
	    to_stun_address(data, off + 4, size, end, plain, &ignored))
		return TO_ANSWER_ALIVE;
	return TO_ANSWER_MORE;
}

enum to_answer to_stun_binding_read(const struct to_stun_question *question, const uint8_t *data,
				    size_t size, uint16_t *code)
{
	enum to_answer answer = TO_ANSWER_MORE;
	uint32_t off = TO_STUN_HEADER, end;
	uint16_t type;

	*code = 0;
	if (size < TO_STUN_HEADER || size > TO_MAX_OFFSET)
		return TO_ANSWER_OTHER;
	end = (uint32_t)size;
	type = (uint16_t)to_get16(data, 0, end);
	if ((type != BINDING_SUCCESS && type != BINDING_ERROR) ||
	    to_get16(data, 2, end) != end - TO_STUN_HEADER ||
	    memcmp(data + 4, question->id, sizeof(question->id)) != 0)
		return TO_ANSWER_OTHER;
	for (uint32_t i = 0; i < TO_STUN_MAX_ATTRIBUTES && off + 4 <= end; i++) {
		answer = read_attribute(data, off, end, type, code);
		if (answer != TO_ANSWER_MORE)
			return answer;
		off += 4 + ((to_get16(data, off + 2, end) + 3) & ~3u);
	}
	return TO_ANSWER_OTHER;
}
