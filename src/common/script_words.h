/*-------------------------------------------------------------------------
 * script_words.h
 *	  The words of the native format, for reading (script.c) and writing
 *	  (script_write.c) it.
 *-------------------------------------------------------------------------
 */
#ifndef VIFLO_SCRIPT_WORDS_H
#define VIFLO_SCRIPT_WORDS_H

/* What fits into a StringInfo, and keeps line numbers within an int. */
#define SCRIPT_MAX	((size_t) 0x3fffffff)

/* The header lines, in the order they are written. */
typedef enum HeaderKey
{
	KEY_REVISION,
	KEY_REVISES,
	KEY_DEPENDS_ON,
	KEY_LABELS,
	KEY_MESSAGE,
	KEY_CREATED,
	KEY_TRANSACTION,
	KEY_REPEATABLE,
	KEY_NONE
} HeaderKey;

typedef enum SectionKind
{
	SECTION_UP,
	SECTION_DOWN,
	SECTION_VERIFY,
	SECTION_BACKFILL,
	SECTION_NONE
} SectionKind;

extern const char *const viflo_header_keys[KEY_NONE];
extern const char *const viflo_section_words[SECTION_NONE];

#endif							/* VIFLO_SCRIPT_WORDS_H */
