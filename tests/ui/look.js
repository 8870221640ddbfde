/* What of our page cannot be read or has no name: [[text, contrast], …] below 4.5 : 1, and controls without a word. */
const colour = (text) => {
    const numbers = (text.match(/[\d.]+/g) || []).map(Number);
    const scale = text.startsWith("color(") ? 255 : 1;
    return [...numbers.slice(0, 3).map((part) => part * scale), numbers.length > 3 ? numbers[3] : 1];
};
const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
const light = (rgb) => {
    const linear = rgb.slice(0, 3).map((part) => (part / 255 <= 0.03928 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
};
/** A gradient counts as the mean of its colours. */
const fill = (style) => {
    const stops = (style.backgroundImage.match(/rgba?\([^)]+\)|color\([^)]+\)/g) || []).map(colour);
    if (!style.backgroundImage.startsWith("linear-gradient") || stops.some((stop) => stop[3] < 1)) return colour(style.backgroundColor);
    return [0, 1, 2].map((i) => stops.reduce((sum, stop) => sum + stop[i], 0) / stops.length).concat(1);
};
const ground = (node) => {
    const layers = [];
    for (let one = node; one; one = one.parentElement) layers.push(fill(getComputedStyle(one)));
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
};
const opacity = (node) => (node ? Number(getComputedStyle(node).opacity) * opacity(node.parentElement) : 1);
const unread = [], unnamed = [];
const read = (node, text, said) => {
    const below = ground(node), ink = colour(said);
    const [high, low] = [light(over([ink[0], ink[1], ink[2], ink[3] * opacity(node)], below)), light(below)].sort((a, b) => b - a);
    const contrast = (high + 0.05) / (low + 0.05);
    const enough = parseFloat(getComputedStyle(node).fontSize) >= 24 ? 3 : 4.5;
    if (contrast < enough) unread.push([text.trim().slice(0, 40), Number(contrast.toFixed(2))]);
};
for (const node of document.querySelectorAll(":is(.tag-atelier, .tag-atelier-title) *")) {
    if (!node.offsetParent || node.disabled) continue;
    const style = getComputedStyle(node), own = Array.from(node.childNodes).find((part) => part.nodeType === 3 && part.data.trim());
    if (own && !["OPTION", "STYLE", "SCRIPT"].includes(node.tagName)) read(node, own.data, style.color);
    if (node.placeholder && !node.value) read(node, node.placeholder, getComputedStyle(node, "::placeholder").color);
    if (!["BUTTON", "INPUT", "TEXTAREA", "SELECT"].includes(node.tagName)) continue;
    const labels = Array.from(node.labels || []).map((label) => label.textContent.trim()).join(" ");
    const name = node.getAttribute("aria-label") || node.title || labels || node.textContent.trim();
    if (!/\p{L}/u.test(name)) unnamed.push(node.outerHTML.slice(0, 120));
}
return [unread, unnamed];
