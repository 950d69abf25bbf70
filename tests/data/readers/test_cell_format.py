import pytest

from finetune.data.readers.cell_format import shown


@pytest.mark.parametrize(
    "value, code, text",
    [
        (0.125, "0.0%", "12.5%"),
        (0.125, "0%", "13%"),
        (3, "0.00", "3.00"),
        (2.5, "0", "3"),
        (1234567.891, "#,##0.00", "1,234,567.89"),
        (0, "#,##0", "0"),
        (999, "#,##0", "999"),
        (42, "00000", "00042"),
        (0.5, "#.##", ".5"),
        (7, "0.0#", "7.0"),
        (12.5, "[$€-2] #,##0.00", "€ 12.50"),
        (12.5, '#,##0.00\\ "€"', "12.50 €"),
        (12.5, '"$"#,##0.00_);[Red]\\("$"#,##0.00\\)', "$12.50"),
        (-12.5, '"$"#,##0.00_);[Red]\\("$"#,##0.00\\)', "($12.50)"),
        (-3, "0.0", "-3.0"),
        (-0.001, "0.0", "0.0"),
        (0, '0;-0;"none"', "none"),
        (5_000_000, '0.0,,"M"', "5.0M"),
        (3, '0 "kg; net"', "3 kg; net"),
        (0.1 + 0.2, "0.00", "0.30"),
        (1, '"yes";;"no"', "yes"),
    ],
)
def test_a_number_is_shown_as_excel_shows_it(value, code, text):
    assert shown(value, code) == text


@pytest.mark.parametrize("code", ["General", "@", "", "yyyy-mm-dd", "h:mm", "# ?/?", "0.00E+00", "[>100]0.0", "[h]:mm"])
def test_other_formats_are_not_taken(code):
    assert shown(1.5, code) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_not(value):
    assert shown(value, "0.0") is None
