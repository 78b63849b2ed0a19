/* libical, as a program that knows it would use it. Reads cases, one JSON object a line, whose values hold no quotes.
 *
 * libical recurrence CASES walk|start        "id count ns hash" for each case
 * libical merge CASES walk|start BUDGET_MS   "merge done count ns hash" for all of them, or as many as fit the budget
 */
#include <libical/ical.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct series {
    char id[80];
    struct icalrecurrencetype rule;
    struct icaltimetype start, from, to;
};

struct found {
    time_t at;
    long series;
};

struct list {
    struct found *items;
    size_t count, room;
};

static void add(struct list *list, time_t at, long series)
{
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 64;
        list->items = realloc(list->items, list->room * sizeof *list->items);
        if (!list->items) abort();
    }
    list->items[list->count++] = (struct found){at, series};
}

static int64_t now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * INT64_C(1000000000) + at.tv_nsec;
}

static void field(const char *line, const char *name, char *value, size_t room)
{
    char key[32];
    snprintf(key, sizeof key, "\"%s\":\"", name);
    const char *at = strstr(line, key);
    value[0] = 0;
    if (!at) return;
    at += strlen(key);
    size_t length = strcspn(at, "\"");
    if (length >= room) length = room - 1;
    memcpy(value, at, length);
    value[length] = 0;
}

static struct icaltimetype civil(const char *line, const char *name, const icaltimezone *zone)
{
    char text[32];
    field(line, name, text, sizeof text);
    struct icaltimetype at = icaltime_from_string(text);
    return icaltime_set_timezone(&at, zone);
}

static void read_series(const char *line, struct series *series)
{
    char rule[512], name[64];
    field(line, "id", series->id, sizeof series->id);
    field(line, "rule", rule, sizeof rule);
    field(line, "zone", name, sizeof name);
    icaltimezone *zone = strcmp(name, "UTC") ? icaltimezone_get_builtin_timezone(name)
                                             : icaltimezone_get_utc_timezone();
    series->rule = icalrecurrencetype_from_string(rule);
    series->start = civil(line, "start", zone);
    series->from = civil(line, "from", zone);
    series->to = civil(line, "to", zone);
}

/* The starts in the window, as instants. False where set_start refuses the rule, as it does one with COUNT. */
static int expand(const struct series *series, int skip, struct list *list, long number)
{
    icalrecur_iterator *it = icalrecur_iterator_new(series->rule, series->start);
    if (!it) return 0;
    if (skip && icaltime_compare(series->from, series->start) > 0 && !icalrecur_iterator_set_start(it, series->from)) {
        icalrecur_iterator_free(it);
        return 0;
    }
    for (;;) {
        struct icaltimetype at = icalrecur_iterator_next(it);
        if (icaltime_is_null_time(at) || icaltime_compare(at, series->to) >= 0) break;
        if (icaltime_compare(at, series->from) < 0) continue;
        add(list, icaltime_as_timet_with_zone(at, at.zone), number);
    }
    icalrecur_iterator_free(it);
    return 1;
}

static uint32_t hash(const struct list *list)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < list->count; i++) sum = sum * 31 + (uint32_t)list->items[i].at;
    return sum;
}

static void recurrence(const struct series *series, int skip)
{
    struct list list = {0};
    int64_t best = INT64_MAX, spent = 0;
    int64_t began = now();
    if (!expand(series, skip, &list, 0)) {
        printf("%s error set_start refuses it\n", series->id);
        return;
    }
    best = now() - began;
    for (int run = 0; best < 1000000000 && run < 1000 && (run < 3 || spent < 100000000); run++) {
        /* A fresh list each time, as the others have. */
        free(list.items);
        list = (struct list){0};
        began = now();
        expand(series, skip, &list, 0);
        int64_t took = now() - began;
        spent += took;
        if (took < best) best = took;
    }
    printf("%s %zu %lld %u\n", series->id, list.count, (long long)best, hash(&list));
    fflush(stdout);
    free(list.items);
}

static int earlier(const void *left, const void *right)
{
    const struct found *a = left, *b = right;
    if (a->at != b->at) return a->at < b->at ? -1 : 1;
    return a->series < b->series ? -1 : a->series > b->series;
}

static void merge(const struct series *series, long count, int skip, int64_t budget)
{
    /* The zones are read from disk at their first use; not again. */
    struct list list = {0};
    for (long number = 0; number < count && number < 25; number++) expand(&series[number], skip, &list, number);
    int64_t best = INT64_MAX;
    long done = 0;
    for (int run = 0; run < 3; run++) {
        list.count = 0;
        int64_t began = now();
        for (done = 0; done < count && now() - began < budget; done++) expand(&series[done], skip, &list, done);
        qsort(list.items, list.count, sizeof *list.items, earlier);
        int64_t took = now() - began;
        if (took < best) best = took;
        if (done < count) {
            best = took;
            break;
        }
    }
    printf("merge %ld %zu %lld %u\n", done, list.count, (long long)best, hash(&list));
    free(list.items);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "version")) return puts(ICAL_VERSION) < 0;
    if (argc < 4) return 2;
    FILE *file = fopen(argv[2], "r");
    if (!file) return 1;
    int skip = !strcmp(argv[3], "start");
    struct series *all = NULL;
    long count = 0;
    char line[2048];
    for (; fgets(line, sizeof line, file); count++) {
        all = realloc(all, (size_t)(count + 1) * sizeof *all);
        if (!all) return 1;
        read_series(line, &all[count]);
    }
    if (!strcmp(argv[1], "merge"))
        merge(all, count, skip, argc > 4 ? atoll(argv[4]) * 1000000 : INT64_MAX);
    else
        for (long number = 0; number < count; number++) recurrence(&all[number], skip);
    fclose(file);
    free(all);
    return 0;
}
