# Values of vegan for the three real sets, as JSON on standard output:
#   python sets.py ../shared/data/microbiome FOLDER && Rscript make.R FOLDER > vegan.json
# Made with vegan 2.6-4 (Debian's r-cran-vegan) and R 4.2.2.
suppressMessages(library(vegan))
folder <- commandArgs(TRUE)[1]
number <- function(x) ifelse(is.na(x), "null", sprintf("%.17g", x))
row <- function(x) paste0("[", paste(number(as.numeric(x)), collapse = ", "), "]")
entry <- function(name, value) sprintf("  \"%s\": %s", name, value)
one <- function(set) {
  counts <- as.matrix(read.delim(file.path(folder, paste0(set, ".counts.tsv")), row.names = 1, check.names = FALSE))
  m <- read.delim(file.path(folder, paste0(set, ".columns.tsv")))
  m$group <- factor(m$group); m$factor <- factor(m$factor)
  d <- vegdist(counts, "bray"); e <- vegdist(counts, "jaccard", binary = TRUE)
  few <- function(a) row(c(a$Df, a$SumOfSqs, a$F))
  disp <- function(type) betadisper(d, m$group, type = type)
  values <- c(
    entry("permanova_f", number(adonis2(d ~ group, m, permutations = 9)$F[1])),
    entry("terms", few(adonis2(d ~ group + factor + number, m, permutations = 9, by = "terms"))),
    entry("interaction", few(adonis2(d ~ factor * number, m, permutations = 9, by = "terms"))),
    entry("margin", few(adonis2(d ~ group + factor + number, m, permutations = 9, by = "margin"))),
    entry("anosim_r", number(anosim(d, m$group, permutations = 9)$statistic)),
    entry("permdisp_centroid_f", number(anova(disp("centroid"))$F[1])),
    entry("permdisp_median_f", number(anova(disp("median"))$F[1])),
    entry("permdisp_centroid", row(disp("centroid")$distances)),
    entry("mantel_pearson", number(mantel(d, e, permutations = 9)$statistic)),
    entry("mantel_spearman", number(mantel(d, e, "spearman", permutations = 9)$statistic)),
    entry("procrustes", number(procrustes(cmdscale(d, 3), cmdscale(e, 3), symmetric = TRUE)$ss)),
    entry("robust_aitchison", row(as.matrix(vegdist(counts, "robust.aitchison"))[1, ])),
    entry("hellinger", row(as.matrix(vegdist(counts, "hellinger"))[1, ])),
    entry("rarefy", row(rarefy(counts, min(rowSums(counts))))))
  # p of many orders within strata: the standard error is below 0.0016.
  set.seed(1)
  p <- c(
    entry("p_strata", number(adonis2(d ~ number, m, permutations = 99999, strata = m$strata)[["Pr(>F)"]][1])),
    entry("p_margin", row(adonis2(d ~ factor + number, m, permutations = 99999, by = "margin")[["Pr(>F)"]][1:2])),
    entry("p_permdisp", number(permutest(disp("centroid"), permutations = 99999)$tab[["Pr(>F)"]][1])))
  sprintf("\"%s\": {\n%s\n}", set, paste(c(values, p), collapse = ",\n"))
}
cat("{", paste(sapply(c("moving_pictures", "cfs_150nt", "ibd_2538"), one), collapse = ",\n"), "}\n")
