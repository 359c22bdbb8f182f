// Defects that the tests plant, one by one: DEFECTS="owner-read,sort-injection". The clean service has none.
const planted = new Set((process.env.DEFECTS ?? "").split(",").filter(Boolean));

export const has = (name) => planted.has(name);
