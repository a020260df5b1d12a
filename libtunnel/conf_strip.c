/* SPDX-License-Identifier: MIT */
/* A text for programs that know only the keys of wg and wg-quick: the same, line by line, but for those that they would
 * choke on or that mean nothing to them. */
#include <string.h>

#include "conf_key.h"

/* The extension key of this line, in either form; CONF_NO_KEY: it has none. */
static enum conf_key extension(const char *text, const struct conf_line *line)
{
	enum conf_key key = CONF_NO_KEY;

	if (line->kind == CONF_PAIR)
		key = conf_key_find(text + line->name, line->name_len);
	return key && conf_rows[key].flags & CONF_EXTENDS ? key : CONF_NO_KEY;
}

/* Is the section that begins at these lines switched off? Looks on to its end. */
static bool is_off(struct conf_lines lines)
{
	struct conf_line line;
	bool off = false;

	while (conf_line(&lines, &line) && line.kind != CONF_HEADER)
		if (extension(lines.text, &line) == CONF_ENABLED)
			off = !conf_same_word(lines.text + line.value, line.value_len, "true");
	return off;
}

size_t conf_strip(const char *text, size_t len, char *dst, uint64_t *left_out)
{
	struct conf_lines lines;
	struct conf_line line;
	bool off = false;
	size_t done = 0;

	*left_out = 0;
	if (conf_lines_init(&lines, text, len))
		return 0;
	while (conf_line(&lines, &line)) {
		enum conf_key key = extension(text, &line);

		if (line.kind == CONF_HEADER)
			off = line.section == CONF_PEER && is_off(lines);
		if (!off && key && key != CONF_ENABLED && !(conf_rows[key].flags & CONF_INFORMS))
			*left_out |= CONF_BIT(key);
		if (off || key)
			continue;
		memcpy(dst + done, text + line.start, line.end - line.start);
		done += line.end - line.start;
	}
	return done;
}
