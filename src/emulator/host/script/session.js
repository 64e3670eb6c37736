// The form beside the product: most of it is sent, the theme is followed at once.
const { elements: fields } = document.getElementById("session");
const { module } = document.body.dataset;

// Who administers the site goes with the user that is chosen.
fields.user.addEventListener("change", () => {
  fields.admin.checked = "admin" in fields.user.selectedOptions[0].dataset;
});

export const followTheme = (follow) => {
  fields.theme.addEventListener("change", async () => {
    const mode = fields.theme.value;
    const told = await fetch(`/host/${module}/theme`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(mode),
    });
    if (!told.ok) return;
    document.body.dataset.theme = mode;
    follow(mode);
  });
};
