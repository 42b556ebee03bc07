import { describe, expect, it } from "vitest";

import { type Filled, generateRequest, missing, newPlan } from "./request";

const filled = (fields: Partial<Filled>): Filled => ({
  way: "claude",
  repositoryId: "r",
  title: "",
  description: "",
  storyIds: [],
  templateId: "",
  parameters: {},
  ...fields,
});
const bug = { name: "bug", description: "", default: null };
const area = { name: "area", description: "", default: "anywhere" };

describe("what is still missing", () => {
  it("is a title, and something to go by, where Claude writes", () => {
    expect(missing(filled({}), [])).toMatch(/title/);
    expect(missing(filled({ title: "Export" }), [])).toMatch(/description/);
    expect(missing(filled({ title: "Export", storyIds: ["s"] }), [])).toBeNull();
    expect(missing(filled({ title: "Export", description: "As CSV." }), [])).toBeNull();
  });

  it("is what the template asks for and has no default of", () => {
    const of = { way: "template", templateId: "t" } as const;
    expect(missing(filled({ ...of, templateId: "" }), [])).toMatch(/template/);
    expect(missing(filled(of), [bug, area])).toMatch(/bug/);
    expect(missing(filled({ ...of, parameters: { bug: "it stops" } }), [bug, area])).toBeNull();
  });

  it("is stories where it is made of them, and the repository everywhere", () => {
    expect(missing(filled({ way: "stories" }), [])).toMatch(/stories/);
    expect(missing(filled({ way: "hand", title: "x", repositoryId: "" }), [])).toMatch(/repository/);
  });
});

describe("what the API is asked", () => {
  it("has the template only where that is used, and no empty parameters", () => {
    const fields = { title: " Export ", templateId: "t", parameters: { a: "x", b: " " } };
    expect(generateRequest(filled(fields))).toMatchObject({
      title: "Export",
      templateId: "t",
      parameters: { a: "x" },
    });
    expect(newPlan(filled({ ...fields, way: "stories", storyIds: ["s"] }))).toEqual({
      repositoryId: "r",
      title: "Export",
      storyIds: ["s"],
    });
  });

  it("is an empty plan where it is written by hand", () => {
    expect(newPlan(filled({ way: "hand", title: "Export" }))).toEqual({
      repositoryId: "r",
      title: "Export",
      phases: [],
    });
  });
});
