/* SPDX-License-Identifier: MIT */
/* Other programs' files as ours, and archives: what is right comes through to the byte, what is wrong is refused. */
#include "../../tools/archive.h"
#include "../../tools/convert.h"
#include "../../tools/lint.h"
#include "../../tools/store.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEY_A "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define KEY_B "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0="
#define KEY_C "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
#define PRIVATE "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="

static const struct {
	const char *from, *to;
} texts[] = {
	/* wg-quick: as it is */
	{ "[Interface]\r\nPrivateKey=" PRIVATE "\r\n# x\r\n[Peer]\r\nPublicKey = " KEY_A "\r\n",
	  "[Interface]\r\nPrivateKey=" PRIVATE "\r\n# x\r\n[Peer]\r\nPublicKey = " KEY_A "\r\n" },
	{ "[Interface]\nSaveConfig = true\n", "[Interface]\n# SaveConfig = true\n" },
	{ "[Interface]\nSaveConfig = false\n", "[Interface]\nSaveConfig = false\n" },
	{ "", "" },
	/* PiVPN */
	{ "[Interface]\n### begin anna ###\n[Peer]\nPublicKey = " KEY_A "\n### end anna ###\n"
	  "[Peer]\nPublicKey = " KEY_B "\n",
	  "[Interface]\n### begin anna ###\n[Peer]\n#: Name = anna\nPublicKey = " KEY_A "\n### end anna ###\n"
	  "[Peer]\nPublicKey = " KEY_B "\n" },
	{ "#[disabled] ### begin a@b ###\n#[disabled] [Peer]\n#[disabled] PublicKey = " KEY_A "\n"
	  "#[disabled] ### end a@b ###\n",
	  "### begin a@b ###\n[Peer]\n#: Name = a-b\n#: Note = a@b\n#: Enabled = false\nPublicKey = " KEY_A "\n"
	  "### end a@b ###\n" },
	/* outside of a client that is off its mark is a comment like others */
	{ "[Interface]\n#[disabled] PostUp = reboot\n[Peer]\n#[disabled] AllowedIPs = 0.0.0.0/0\n",
	  "[Interface]\n#[disabled] PostUp = reboot\n[Peer]\n#[disabled] AllowedIPs = 0.0.0.0/0\n" },
	{ "#[disabled] [Peer]\n#[disabled] PublicKey = " KEY_A "\n[Interface]\n#[disabled] PostUp = reboot\n",
	  "[Peer]\n#: Enabled = false\nPublicKey = " KEY_A "\n[Interface]\n#[disabled] PostUp = reboot\n" },
	{ "#[disabled]  [Peer]\n#[disabled] PublicKey = " KEY_A "\n",
	  "#[disabled]  [Peer]\n#[disabled] PublicKey = " KEY_A "\n" },
	/* wg-easy */
	{ "# Client: Anna's phone (5d-3)\n[Peer]\nPublicKey = " KEY_A "\n\n# Client: Anna?s phone (x)\n[Peer]",
	  "# Client: Anna's phone (5d-3)\n[Peer]\n#: Name = Anna-s-phone\n#: Note = Anna's phone\nPublicKey = " KEY_A
	  "\n\n# Client: Anna?s phone (x)\n[Peer]\n#: Name = Anna-s-phone-2\n#: Note = Anna?s phone\n" },
	/* wireguard-install */
	{ "### Client bo\n[Peer]\n", "### Client bo\n[Peer]\n#: Name = bo\n" },
	/* one that has a name keeps it */
	{ "### Client bo\n[Peer]\n#: Name = carl\n", "### Client bo\n[Peer]\n#: Name = carl\n" },
};

START_TEST(texts_keep_their_bytes_and_names)
{
	struct convert r = { 0 };

	convert_text(&r, texts[_i].from, strlen(texts[_i].from));
	ck_assert_str_eq(r.text ? r.text : "", texts[_i].to);
	ck_assert_uint_eq(r.len, strlen(texts[_i].to));
	convert_free(&r);
}
END_TEST

/* Converts `one`, many times over. */
static void convert_many(struct convert *r, const char *one, size_t many)
{
	size_t len = strlen(one);
	char *text = malloc(many * len);

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < many; i++)
		memcpy(text + i * len, one, len);
	convert_text(r, text, many * len);
	free(text);
}

/* That this takes a moment and no hours is a part of it. */
START_TEST(many_namesakes_get_numbers)
{
	enum { MANY = 20000 };
	struct convert r = { 0 };

	convert_many(&r, "### begin x ###\n[Peer]\n", MANY);
	ck_assert_uint_eq(r.named, MANY);
	ck_assert_ptr_nonnull(strstr(r.text, "#: Name = x\n"));
	ck_assert_ptr_nonnull(strstr(r.text, "#: Name = x-2\n"));
	ck_assert_ptr_nonnull(strstr(r.text, "#: Name = x-20000\n"));
	convert_free(&r);
}
END_TEST

/* None of these has a name of its own, which is to be seen without reading on to the end each time. */
START_TEST(many_that_are_off_are_converted)
{
	enum { MANY = 100000 };
	struct convert r = { 0 };

	convert_many(&r, "#[disabled] [Peer]\n", MANY);
	ck_assert_uint_eq(r.disabled, MANY);
	convert_free(&r);
}
END_TEST

static const char easy[] =
	"{\"server\":{\"privateKey\":\"" PRIVATE "\",\"address\":\"10.8.0.1\"},\"clients\":{"
	"\"1\":{\"name\":\"anna\",\"address\":\"10.8.0.2\",\"publicKey\":\"" KEY_A "\",\"preSharedKey\":\"" KEY_C "\","
	"\"enabled\":true},"
	"\"2\":{\"name\":\"bo\",\"address\":\"10.8.0.3\",\"publicKey\":\"" KEY_B "\",\"enabled\":false}}}";

START_TEST(clients_of_wg_easy_come_with_their_state)
{
	static const char beside[] = "[Interface]\n# Client: anna (1)\n[Peer]\nPublicKey = " KEY_A "\n";
	json_t *o = json_loads(easy, 0, NULL);
	struct convert r = { 0 };
	struct lint l;

	ck_assert_ptr_null(convert_easy(&r, o));
	ck_assert_uint_eq(r.peers, 2);
	ck_assert_uint_eq(r.disabled, 1);
	ck_assert_ptr_nonnull(strstr(r.text, "Address = 10.8.0.1/24\nListenPort = 51820\n"));
	ck_assert_ptr_nonnull(strstr(r.text, "[Peer]\n#: Name = bo\n#: Enabled = false\nPublicKey = " KEY_B "\n"));
	lint_text("x", r.text, r.len, "x", "", &l);
	ck_assert_uint_eq(l.problem_count, 0);
	lint_free(&l);
	convert_free(&r);
	/* Beside a text only those that it lacks. */
	convert_text(&r, beside, strlen(beside));
	ck_assert_ptr_null(convert_easy(&r, o));
	ck_assert_uint_eq(r.peers, 2);
	convert_free(&r);
	json_decref(o);
	o = json_loads("{\"clients\":{}}", 0, NULL);
	ck_assert_ptr_nonnull(convert_easy(&r, o));
	convert_free(&r);
	json_decref(o);
}
END_TEST

/* Each is looked for among those before it; the second time all are there. */
START_TEST(many_clients_of_wg_easy_are_converted)
{
	enum { MANY = 100000 };
	json_t *clients = json_object();
	json_t *o = json_pack("{s:{s:s, s:s}, s:o}", "server", "privateKey", PRIVATE, "address", "10.8.0.1",
			      "clients", clients);
	struct convert r = { 0 };
	char id[16], key[64];

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(id, sizeof(id), "%u", i);
		snprintf(key, sizeof(key), "%043u=", i);
		json_object_set_new(clients, id, json_pack("{s:s, s:s}", "publicKey", key, "address", "10.8.0.2"));
	}
	ck_assert_ptr_null(convert_easy(&r, o));
	ck_assert_uint_eq(r.peers, MANY);
	ck_assert_ptr_null(convert_easy(&r, o));
	ck_assert_uint_eq(r.peers, MANY);
	convert_free(&r);
	json_decref(o);
}
END_TEST

/* That the text has it in another place is not to have it. */
START_TEST(a_key_is_in_a_text_as_a_public_key)
{
	static const char text[] = "[Interface]\nPrivateKey = " PRIVATE "\n[Peer]\n#: Note = " KEY_A "\n"
				   "publickey=" KEY_B " # his\n";
	struct convert r = { 0 };
	json_t *o = json_loads(easy, 0, NULL);

	convert_text(&r, text, strlen(text));
	ck_assert_ptr_null(convert_easy(&r, o));
	ck_assert_uint_eq(r.peers, 2);
	ck_assert_ptr_nonnull(strstr(r.text, "PublicKey = " KEY_A));
	ck_assert_ptr_null(strstr(r.text, "PublicKey = " KEY_B));
	convert_free(&r);
	json_decref(o);
}
END_TEST

static void put_file(struct archive *a, const char *name, const char *data, size_t len)
{
	struct archive_file *f;

	a->file = reallocarray(a->file, ++a->count, sizeof(*a->file));
	f = &a->file[a->count - 1];
	memset(f, 0, sizeof(*f));
	strcpy(f->name, name);
	f->data = malloc(len + 1);
	memcpy(f->data, data, len);
	f->len = len;
}

static char *make_of(const char *interface, const char *second, size_t *len)
{
	struct archive a = { .count = 0 };
	char *text;

	snprintf(a.interface, sizeof(a.interface), "%s", interface);
	put_file(&a, "conf", "[Interface]\n\0\xff", 14);
	put_file(&a, second, "[Peer]\n", 7);
	text = archive_text(&a, len);
	archive_free(&a);
	return text;
}

static char *make(const char *second, size_t *len)
{
	return make_of("wg0", second, len);
}

START_TEST(an_archive_comes_back_as_it_was)
{
	struct archive a;
	size_t len;
	char *text = make("d/anna.peer", &len);

	ck_assert_ptr_null(archive_parse(text, len, &a));
	ck_assert_str_eq(a.interface, "wg0");
	ck_assert_uint_eq(a.count, 2);
	ck_assert_uint_eq(archive_find(&a, "conf")->len, 14);
	ck_assert_mem_eq(archive_find(&a, "conf")->data, "[Interface]\n\0\xff", 14);
	archive_free(&a);
	free(text);
}
END_TEST

START_TEST(names_that_lead_elsewhere_are_refused)
{
	static const char *const bad[] = {
		"../x", "d/../../x.peer", "d/x", "d/x.conf", "d/.x.peer", "d/a/b.peer", "/etc/x",
		"state/../x", "state/a/b", "state/", "conf2", "", "d/-x.peer", "d/.peer", "state/.x",
	};
	struct archive a;
	size_t len;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *text = make(bad[i], &len);

		ck_assert_msg(archive_parse(text, len, &a) != NULL, "%s", bad[i]);
		archive_free(&a);
		free(text);
	}
}
END_TEST

START_TEST(an_interface_of_another_name_than_one_can_have_is_refused)
{
	static const char *const bad[] = { "", ".", "..", "../x", "a/b", "-x", ".x", "a b", "a\nb", "%s", "w\xc3\xa4" };
	struct archive a;
	size_t len;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *text = make_of(bad[i], "d/anna.peer", &len);

		ck_assert_msg(archive_parse(text, len, &a) != NULL, "%s", bad[i]);
		archive_free(&a);
		free(text);
	}
}
END_TEST

START_TEST(a_file_that_is_there_twice_is_refused)
{
	struct archive a;
	size_t len;
	char *text = make("conf", &len);

	ck_assert_str_eq(archive_parse(text, len, &a), "a file is in it twice");
	archive_free(&a);
	free(text);
}
END_TEST

/* In an order that is not ours, and each is found again. */
START_TEST(many_files_are_parsed_and_found)
{
	enum { MANY = 200000 };
	struct archive a = { .interface = "wg0" };
	char name[32], *text;
	size_t len;

	a.file = calloc(MANY + 1, sizeof(*a.file));
	for (unsigned i = MANY; i > 0; i--) {
		snprintf(a.file[a.count].name, sizeof(name), "d/%06u.peer", i);
		a.file[a.count++].data = calloc(1, 1);
	}
	strcpy(a.file[a.count].name, "conf");
	a.file[a.count++].data = calloc(1, 1);
	text = archive_text(&a, &len);
	archive_free(&a);
	ck_assert_ptr_null(archive_parse(text, len, &a));
	ck_assert_uint_eq(a.count, MANY + 1);
	for (unsigned i = 1; i <= MANY; i++) {
		snprintf(name, sizeof(name), "d/%06u.peer", i);
		ck_assert_ptr_nonnull(archive_find(&a, name));
	}
	ck_assert_ptr_null(archive_find(&a, "d/0.peer"));
	archive_free(&a);
	free(text);
}
END_TEST

START_TEST(a_damaged_archive_is_refused)
{
	unsigned seed = (unsigned)time(NULL);
	size_t len;
	char *text = make("d/anna.peer", &len), *was = strdup(text);
	struct archive a;

	printf("seed %u\n", seed);
	srandom(seed);
	for (size_t cut = 0; cut < len; cut += 7) {
		ck_assert_ptr_nonnull(archive_parse(text, cut, &a));
		archive_free(&a);
	}
	for (int i = 0; i < 20000; i++) {
		const char *why;

		memcpy(text, was, len);
		for (long n = 1 + random() % 3; n; n--)
			text[(size_t)random() % len] = (char)random();
		why = archive_parse(text, len, &a);
		/* Only what is not of the files may change unseen: the date, a blank. */
		if (!why) {
			ck_assert_uint_eq(a.count, 2);
			ck_assert_mem_eq(archive_find(&a, "conf")->data, "[Interface]\n\0\xff", 14);
			ck_assert_mem_eq(archive_find(&a, "d/anna.peer")->data, "[Peer]\n", 7);
		}
		archive_free(&a);
	}
	free(text);
	free(was);
}
END_TEST

START_TEST(any_text_is_converted_without_harm)
{
	static const char *const parts[] = {
		"[Peer]", "### begin ", " ###", "# Client: ", " (", "\n", "#[disabled] ", "\r",
		"Name", " = ", "SaveConfig = true", "### Client ", "x", "\xff", "#", "[Interface]",
	};
	char text[256];

	for (int i = 0; i < 20000; i++) {
		struct convert r = { 0 };
		size_t len = 0;

		for (long n = random() % 12; n && len < 200; n--) {
			const char *p = parts[(size_t)random() % (sizeof(parts) / sizeof(parts[0]))];

			memcpy(text + len, p, strlen(p));
			len += strlen(p);
		}
		convert_text(&r, text, len);
		ck_assert_uint_ge(r.len + 12 * 12, len);
		convert_free(&r);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools_convert");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, texts_keep_their_bytes_and_names, 0, sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(tc, many_namesakes_get_numbers);
	tcase_add_test(tc, many_that_are_off_are_converted);
	tcase_add_test(tc, clients_of_wg_easy_come_with_their_state);
	tcase_add_test(tc, many_clients_of_wg_easy_are_converted);
	tcase_add_test(tc, a_key_is_in_a_text_as_a_public_key);
	tcase_add_test(tc, an_archive_comes_back_as_it_was);
	tcase_add_test(tc, names_that_lead_elsewhere_are_refused);
	tcase_add_test(tc, an_interface_of_another_name_than_one_can_have_is_refused);
	tcase_add_test(tc, a_file_that_is_there_twice_is_refused);
	tcase_add_test(tc, many_files_are_parsed_and_found);
	tcase_add_test(tc, a_damaged_archive_is_refused);
	tcase_add_test(tc, any_text_is_converted_without_harm);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
