import { expect, it } from "vitest";
import { commitLink } from "./commitLinks";

it.each([
  ["https://github.com/psf/requests", "https://github.com/psf/requests/commit/abc1234"],
  ["https://github.com/psf/requests.git", "https://github.com/psf/requests/commit/abc1234"],
  ["https://user@gitlab.com/a/b/c/", "https://gitlab.com/a/b/c/-/commit/abc1234"],
])("leads from %s to the commit", (url, link) => {
  expect(commitLink(url, "abc1234")).toBe(link);
});

it.each([
  "/srv/git/shop",
  "https://git.example.org/shop",
  "http://github.com/a/b",
  "javascript:alert(1)//github.com",
])("makes no link of %s", (url) => {
  expect(commitLink(url, "abc1234")).toBeNull();
});

it("makes no link of what is no SHA", () => {
  expect(commitLink("https://github.com/psf/requests", "../../x")).toBeNull();
});
