/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Words of commands and answers that several files have.  What refuses returns
 * what potad_refuse() does.
 */
#ifndef POTAD_DEBUGFS_WORDS_H
#define POTAD_DEBUGFS_WORDS_H

#include "../owners/holder.h"
#include "../pool/pool.h"
#include "request.h"

int potad_bad_number(struct potad_request *req, int err, const char *what, const char *text);
int potad_want_words(struct potad_request *req, const char *usage);
int potad_outside(struct potad_request *req, const struct potad_pool *pool, u64 phys,
		  u64 length);

/* 0 or a refusal; @text can be NULL where the command may end there. */
int potad_word_address(struct potad_request *req, const char *text, u64 *phys);
int potad_word_bytes(struct potad_request *req, const char *what, const char *text,
		     u64 *bytes);
int potad_word_handle(struct potad_request *req, const char *text, u64 *handle);

/* With a blank behind it. */
void potad_reply_tenths(struct potad_request *req, u64 tenths);
void potad_reply_held(struct potad_request *req, const struct potad_held *held,
		      const char *verb);
const char *potad_what_name(enum potad_what what);

#endif /* POTAD_DEBUGFS_WORDS_H */
