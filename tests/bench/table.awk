# SPDX-License-Identifier: MIT
# The table, ratios first: figures, then what stats.awk says of them. -v peer=NAME of the other implementation.
BEGIN {
	FS = "\t"
	columns = split("peer relay veth", others, " ")
	name["tunneld"] = "tunneld"
	name["peer"] = peer
	name["relay"] = "relay"
	name["veth"] = "veth"
}
/^#/ { next }
NR == FNR { order[++figures] = $1; unit[$1] = $2; better[$1] = $3; title[$1] = $4; next }
$1 == "value" { value[$2, $3] = $4; seen[$2] = used[$3] = 1 }
$1 == "ratio" { ratio[$2, $3] = sprintf("x%s (%s-%s)", short($4), short($5), short($6)) }

# Three digits that mean something.
function short(v)
{
	if (v == "refused" || v == "-")
		return v
	return sprintf(v >= 100 ? "%.0f" : v >= 10 ? "%.1f" : v >= 0.1 ? "%.2f" : "%.2g", v)
}

function cell(table, f, who)
{
	return (f, who) in table ? table[f, who] : "-"
}

END {
	line = sprintf("%-33s", "tunneld against")
	for (i = 1; i <= columns; i++)
		if (others[i] in used)
			line = line sprintf(" %-20s", name[others[i]])
	line = line sprintf(" %9s", "tunneld")
	for (i = 1; i <= columns; i++)
		if (others[i] in used)
			line = line sprintf(" %9s", substr(others[i], 1, 9))
	print line " unit"
	for (f = 1; f <= figures; f++) {
		id = order[f]
		if (!(id in seen))
			continue
		line = sprintf("%-33s", title[id])
		for (i = 1; i <= columns; i++)
			if (others[i] in used)
				line = line sprintf(" %-20s", better[id] == "-" ? "" : cell(ratio, id, others[i]))
		line = line sprintf(" %9s", short(cell(value, id, "tunneld")))
		for (i = 1; i <= columns; i++)
			if (others[i] in used)
				line = line sprintf(" %9s", (id, others[i]) in value ? short(value[id, others[i]]) : "-")
		print line " " unit[id]
	}
}
