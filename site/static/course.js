// A search leads to a page. This leads on to the place on it where the words stand together.
"use strict";

const BLOCKS = "pre, p, li, td, h1, h2, h3";
const PARAMETER = "highlight";

// On the page of results: a result takes the words along in its address.
function takeWordsAlong(event) {
  const link = event.target.closest("ul.search a");
  if (link !== null) {
    const words = new URLSearchParams(location.search).get("q") || "";
    const address = new URL(link.href);
    address.searchParams.set(PARAMETER, words);
    link.href = address.href;
  }
}

function wordsIn(text) {
  return text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) || [];
}

// How well a block fits: its share of the words, and one more if they stand there in this order.
// A word may be a part of a longer one, because Chinese has no spaces.
function fit(block, words) {
  const text = wordsIn(block.textContent).join(" ");
  const share = words.filter((word) => text.includes(word)).length / words.length;
  return text.includes(words.join(" ")) ? share + 1 : share;
}

function bestBlock(words) {
  let best = null;
  let bestFit = 0;
  for (const block of document.querySelectorAll(BLOCKS)) {
    const isText = block.closest("article.bd-article") !== null;
    const isFolded = block.closest("details:not([open])") !== null;
    const isOutermost = block.parentElement.closest("li, td") === null;
    if (isText && isOutermost && !isFolded && fit(block, words) > bestFit) {
      best = block;
      bestFit = fit(block, words);
    }
  }
  return best;
}

function goToWords() {
  const words = wordsIn(new URLSearchParams(location.search).get(PARAMETER) || "");
  const block = words.length > 0 ? bestBlock(words) : null;
  if (block !== null) {
    block.classList.add("found-by-search");
    if (location.hash === "") {
      block.scrollIntoView({ block: "center" });
    }
  }
}

for (const kind of ["click", "auxclick"]) {
  document.addEventListener(kind, takeWordsAlong, { capture: true });
}
window.addEventListener("load", goToWords);
