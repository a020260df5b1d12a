# SPDX-License-Identifier: MIT
# The ratios as a picture (SVG): a panel for each contender, a bar for each figure, from the line at 1x to how many times
# tunneld is better (right) or worse (left); the thin line is the range over the rounds. The scale is logarithmic. Reads
# figures, then what stats.awk says of them. -v peer=NAME, -v caption=TEXT.
BEGIN {
	FS = "\t"
	LEFT = 250; WIDTH = 470; RIGHT = 200; ROW = 20; BAR = 12; TOP = 56; HEAD = 44
	panels = split("peer relay", panel, " ")
	name["peer"] = peer
	name["relay"] = "the relay without a cipher"
	low = 0.5; high = 2
}
/^#/ { next }
NR == FNR { order[++figures] = $1; unit[$1] = $2; less[$1] = $3 == "less"; either[$1] = $3 == "-"; title[$1] = $4; next }
$1 == "value" { value[$2, $3] = $4 }
$1 == "ratio" && !either[$2] && ($3 in name) {
	known[$2, $3] = 1
	rows[$3]++
	# Times better: what takes less is turned round.
	mid[$2, $3] = less[$2] ? 1 / positive($4) : positive($4)
	from[$2, $3] = less[$2] ? 1 / positive($6) : positive($5)
	to[$2, $3] = less[$2] ? 1 / positive($5) : positive($6)
	low = from[$2, $3] < low ? from[$2, $3] : low
	high = to[$2, $3] > high ? to[$2, $3] : high
}

function positive(v) { return v > 0.0001 ? v : 0.0001 }
function x(v) { return LEFT + WIDTH * (log(v) - log(low)) / (log(high) - log(low)) }
function escaped(s) { gsub(/&/, "\\&amp;", s); gsub(/</, "\\&lt;", s); gsub(/>/, "\\&gt;", s); return s }
function short(v) { return sprintf(v >= 100 ? "%.0f" : v >= 10 ? "%.1f" : v >= 0.1 ? "%.2f" : "%.2g", v) }
function text(px, y, class, anchor, s)
{
	printf "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\">%s</text>\n", px, y, class, anchor, escaped(s)
}
function line(x1, y1, x2, y2, class)
{
	printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n", x1, y1, x2, y2, class
}

# 1, 2 and 5 of every power of ten that the scale holds.
function scale(y, height,    e, d, v, i)
{
	for (e = 0.001; e < high; e *= 10)
		for (i = 1; i <= 3; i++) {
			v = e * substr("125", i, 1)
			if (v < low || v > high)
				continue
			line(x(v), y, x(v), y + height, v > 0.99 && v < 1.01 ? "one" : "grid")
			text(x(v), y - 5, "tick", "middle", short(v) + 0 "x")
		}
}

function bar(y, id, who,    m, a, b)
{
	m = mid[id, who]
	a = m < 1 ? x(m) : x(1)
	b = m < 1 ? x(1) : x(m)
	text(LEFT - 10, y + BAR - 2, "label", "end", title[id])
	printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" class=\"%s\"/>\n", a, y, b - a < 1 ? 1 : b - a, BAR,
		m < 1 ? "worse" : "better"
	line(x(from[id, who]), y + BAR / 2, x(to[id, who]), y + BAR / 2, "range")
	text(LEFT + WIDTH + 12, y + BAR - 2, "times", "start", short(m) "x")
	text(LEFT + WIDTH + 66, y + BAR - 2, "label", "start",
		short(value[id, "tunneld"]) " / " short(value[id, who]) " " unit[id])
}

END {
	height = TOP + 10
	for (p = 1; p <= panels; p++)
		if (rows[panel[p]])
			height += HEAD + ROW * rows[panel[p]] + 16
	total = LEFT + WIDTH + RIGHT
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\">\n", total, height,
		total, height
	print "<style>text { font: 12px sans-serif; fill: #222 } .title { font: bold 16px sans-serif }" \
		" .head { font: bold 13px sans-serif } .tick, .caption { font-size: 10px; fill: #777 }" \
		" .grid { stroke: #ddd } .one { stroke: #222; stroke-width: 1.5 } .range { stroke: #222; stroke-opacity: .55 }" \
		" .times { font-weight: bold } .better { fill: #3b8f5a } .worse { fill: #c2573f }</style>"
	printf "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", total, height
	text(16, 26, "title", "start", "tunneld: times better, median of the rounds")
	text(16, 44, "caption", "start", caption)
	y = TOP
	for (p = 1; p <= panels; p++) {
		who = panel[p]
		if (!rows[who])
			continue
		text(16, y + 18, "head", "start", "against " name[who])
		y += HEAD
		scale(y - 6, ROW * rows[who] + 6)
		for (f = 1; f <= figures; f++)
			if ((order[f], who) in known) {
				bar(y, order[f], who)
				y += ROW
			}
		y += 16
	}
	print "</svg>"
}
