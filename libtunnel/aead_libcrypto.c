/* SPDX-License-Identifier: MIT */
/*
 * OpenSSL's libcrypto: a full packet in half of libsodium's time, on amd64 and arm64 alike, small ones in the same. Its
 * contexts are its own, made when a worker's is set up; in between nothing is allocated, since the cipher never
 * changes. The key is set once a run, and overwritten behind it: the context lies outside of the caller's memory.
 */
#include "aead_engine.h"

#if __has_include(<openssl/evp.h>)
#include <dlfcn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

struct state {
	EVP_CIPHER_CTX *seal, *open;
};

static struct {
	__typeof__(OPENSSL_init_crypto) *init;
	__typeof__(EVP_chacha20_poly1305) *cipher;
	__typeof__(EVP_CIPHER_CTX_new) *ctx_new;
	__typeof__(EVP_CIPHER_CTX_free) *ctx_free;
	__typeof__(EVP_CipherInit_ex) *prepare;
	__typeof__(EVP_CipherUpdate) *update;
	__typeof__(EVP_CipherFinal_ex) *final;
	__typeof__(EVP_CIPHER_CTX_get_params) *get_params;
	__typeof__(EVP_CIPHER_CTX_set_params) *set_params;
} evp;

static const uint8_t no_key[AEAD_KEY_LEN];

static void stop(void *state)
{
	struct state *s = state;

	evp.ctx_free(s->seal);
	evp.ctx_free(s->open);
}

static bool start(void *state)
{
	struct state *s = state;

	s->seal = evp.ctx_new();
	s->open = evp.ctx_new();
	if (s->seal && s->open && evp.prepare(s->seal, evp.cipher(), NULL, no_key, NULL, 1) == 1 &&
	    evp.prepare(s->open, evp.cipher(), NULL, no_key, NULL, 0) == 1)
		return true;
	stop(s);
	return false;
}

static bool seal_one(EVP_CIPHER_CTX *ctx, const struct aead_item *i)
{
	OSSL_PARAM tag[] = {
		{ OSSL_CIPHER_PARAM_AEAD_TAG, OSSL_PARAM_OCTET_STRING, i->buf + i->len, AEAD_TAG_LEN, 0 },
		{ NULL, 0, NULL, 0, 0 },
	};
	uint8_t nonce[AEAD_NONCE_LEN];
	int len;

	aead_nonce(nonce, i->counter);
	return evp.prepare(ctx, NULL, NULL, NULL, nonce, 1) == 1 &&
	       evp.update(ctx, i->buf, &len, i->buf, (int)i->len) == 1 && evp.final(ctx, i->buf, &len) == 1 &&
	       evp.get_params(ctx, tag) == 1;
}

static bool open_one(EVP_CIPHER_CTX *ctx, const struct aead_item *i)
{
	OSSL_PARAM tag[] = {
		{ OSSL_CIPHER_PARAM_AEAD_TAG, OSSL_PARAM_OCTET_STRING, i->buf + i->len, AEAD_TAG_LEN, 0 },
		{ NULL, 0, NULL, 0, 0 },
	};
	uint8_t nonce[AEAD_NONCE_LEN];
	int len;

	aead_nonce(nonce, i->counter);
	return evp.prepare(ctx, NULL, NULL, NULL, nonce, 0) == 1 && evp.set_params(ctx, tag) == 1 &&
	       evp.update(ctx, i->buf, &len, i->buf, (int)i->len) == 1 && evp.final(ctx, i->buf, &len) == 1;
}

static void seal(void *state, struct aead_item *items, size_t count, const uint8_t *key)
{
	struct state *s = state;
	bool ready = evp.prepare(s->seal, NULL, NULL, key, NULL, 1) == 1;

	/* What could not be sealed would be plaintext, which must not go out. */
	for (struct aead_item *i = items; i < items + count; i++)
		if (!ready || !seal_one(s->seal, i))
			memset(i->buf, 0, i->len + AEAD_TAG_LEN);
	(void)evp.prepare(s->seal, NULL, NULL, no_key, NULL, 1);
}

static void open(void *state, struct aead_item *items, size_t count, const uint8_t *key)
{
	struct state *s = state;
	bool ready = evp.prepare(s->open, NULL, NULL, key, NULL, 0) == 1;

	for (struct aead_item *i = items; i < items + count; i++)
		i->opened = ready && open_one(s->open, i);
	(void)evp.prepare(s->open, NULL, NULL, no_key, NULL, 0);
}

static struct state trial;

static void *borrow(void)
{
	return start(&trial) ? &trial : NULL;
}

static bool find_all(void *lib)
{
	*(void **)&evp.init = dlsym(lib, "OPENSSL_init_crypto");
	*(void **)&evp.cipher = dlsym(lib, "EVP_chacha20_poly1305");
	*(void **)&evp.ctx_new = dlsym(lib, "EVP_CIPHER_CTX_new");
	*(void **)&evp.ctx_free = dlsym(lib, "EVP_CIPHER_CTX_free");
	*(void **)&evp.prepare = dlsym(lib, "EVP_CipherInit_ex");
	*(void **)&evp.update = dlsym(lib, "EVP_CipherUpdate");
	*(void **)&evp.final = dlsym(lib, "EVP_CipherFinal_ex");
	*(void **)&evp.get_params = dlsym(lib, "EVP_CIPHER_CTX_get_params");
	*(void **)&evp.set_params = dlsym(lib, "EVP_CIPHER_CTX_set_params");
	return evp.init && evp.cipher && evp.ctx_new && evp.ctx_free && evp.prepare && evp.update && evp.final &&
	       evp.get_params && evp.set_params;
}

/* It stays loaded once it was set up: the library does not unload. Its configuration file is none of our business. */
bool aead_find_libcrypto(struct aead_engine *ret)
{
	void *lib = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);

	if (!lib)
		return false;
	if (!find_all(lib) || evp.init(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) != 1) {
		dlclose(lib);
		return false;
	}
	*ret = (struct aead_engine){ "libcrypto", sizeof(struct state), start, stop, seal, open, borrow, stop, NULL };
	return true;
}
#else
bool aead_find_libcrypto(struct aead_engine *ret)
{
	(void)ret;
	return false;
}
#endif
