# SPDX-License-Identifier: MIT
# The single values of all rounds (round, contender, figure, value) as medians:
#
#   value FIGURE CONTENDER MEDIAN LEAST MOST     MEDIAN may be "refused"
#   ratio FIGURE CONTENDER MEDIAN LEAST MOST     tunneld's to that contender's, of the same round each
#
# Tab-separated both ways, figures in the order of the file that is read first.
BEGIN { FS = OFS = "\t" }
/^#/ { next }
NR == FNR { order[++figures] = $1; next }
{
	value[$3, $2, $1] = $4
	if (!($2 in known)) {
		known[$2] = 1
		contender[++contenders] = $2
	}
	rounds = $1 > rounds ? $1 : rounds
}

# Adds v to the sorted list[1..n].
function insert(list, n, v,    i)
{
	for (i = n; i > 0 && list[i] > v; i--)
		list[i + 1] = list[i]
	list[i + 1] = v
}

function put(kind, figure, who, list, n)
{
	if (n)
		print kind, figure, who, (list[int((n + 1) / 2)] + list[int(n / 2) + 1]) / 2, list[1], list[n]
}

function summary(figure, who,    list, ratios, n, m, r, v, ours)
{
	for (r = 1; r <= rounds; r++) {
		if (!((figure, who, r) in value))
			continue
		v = value[figure, who, r]
		if (v == "refused") {
			print "value", figure, who, v, v, v
			return
		}
		insert(list, n++, v + 0)
		if ((figure, "tunneld", r) in value)
			ours = value[figure, "tunneld", r]
		if (who != "tunneld" && (figure, "tunneld", r) in value && ours != "refused" && v > 0)
			insert(ratios, m++, ours / v)
	}
	put("value", figure, who, list, n)
	put("ratio", figure, who, ratios, m)
}

END {
	for (f = 1; f <= figures; f++)
		for (c = 1; c <= contenders; c++)
			summary(order[f], contender[c])
}
