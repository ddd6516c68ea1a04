// Thumbhash placeholders (format: evanw.github.io/thumbhash), drawn behind pictures not yet there.

function decode(base64) {
  const hash = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const head = hash[0] | (hash[1] << 8) | (hash[2] << 16);
  const second = hash[3] | (hash[4] << 8);
  const hasAlpha = head >> 23 !== 0;
  const landscape = second >> 15 !== 0;
  const short = second & 7;
  const long = hasAlpha ? 5 : 7;
  const across = Math.max(3, landscape ? long : short);
  const down = Math.max(3, landscape ? short : long);
  const ratio = landscape ? long / Math.max(short, 1) : Math.max(short, 1) / long;

  let nibble = 0;
  const start = hasAlpha ? 6 : 5;
  function channel(dc, nx, ny, scale) {
    const terms = [[0, 0, dc]];
    for (let y = 0; y < ny; y++)
      for (let x = y ? 0 : 1; x * ny < nx * (ny - y); x++) {
        const value = (hash[start + (nibble >> 1)] >> ((nibble & 1) * 4)) & 15;
        nibble++;
        terms.push([x, y, (value / 7.5 - 1) * scale * 2]);
      }
    return terms;
  }
  const l = channel((head & 63) / 63, across, down, ((head >> 18) & 31) / 31);
  const p = channel(((head >> 6) & 63) / 31.5 - 1, 3, 3, (((second >> 3) & 63) / 63) * 1.25);
  const q = channel(((head >> 12) & 63) / 31.5 - 1, 3, 3, (((second >> 9) & 63) / 63) * 1.25);
  return { l, p, q, ratio };
}

function at(terms, x, y) {
  let sum = 0;
  for (const [fx, fy, factor] of terms)
    sum += factor * Math.cos(Math.PI * fx * x) * Math.cos(Math.PI * fy * y);
  return sum;
}

function paint(base64) {
  const { l, p, q, ratio } = decode(base64);
  const width = Math.round(ratio > 1 ? 24 : 24 * ratio) || 1;
  const height = Math.round(ratio > 1 ? 24 / ratio : 24) || 1;
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  for (let row = 0, place = 0; row < height; row++)
    for (let column = 0; column < width; column++, place += 4) {
      const x = (column + 0.5) / width;
      const y = (row + 0.5) / height;
      const light = at(l, x, y);
      const yellowBlue = at(p, x, y);
      const redGreen = at(q, x, y);
      const blue = light - (2 / 3) * yellowBlue;
      const red = (3 * light - blue + redGreen) / 2;
      pixels.data.set([red * 255, (red - redGreen) * 255, blue * 255, 255], place);
    }
  context.putImageData(pixels, 0, 0);
  return canvas.toDataURL();
}

function fill(root) {
  for (const place of root.querySelectorAll("[data-thumbhash]")) {
    const picture = place.querySelector("img");
    const hash = place.dataset.thumbhash;
    delete place.dataset.thumbhash;
    if (!picture || picture.complete) continue;
    try {
      place.style.backgroundImage = `url(${paint(hash)})`;
    } catch {
      continue; // Not a thumbhash: the plain panel colour stays.
    }
    // Gone once the picture is there, or it would shine through transparent ones.
    picture.addEventListener("load", () => (place.style.backgroundImage = ""), { once: true });
  }
}

fill(document);
document.addEventListener("htmx:afterSettle", () => fill(document));
